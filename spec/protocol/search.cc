#include "spec/protocol/search.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "spec/protocol/canonical.h"
#include "spec/protocol/checkpoint.h"
#include "spec/protocol/promises.h"
#include "spec/protocol/seen.h"
#include "spec/protocol/waiting.h"

namespace mmuref::spec::protocol {
namespace {

using Clock = std::chrono::steady_clock;

class Search {
 public:
  Search(const System& system, const SearchOptions& options)
      : system_(system), options_(options), machine_{.reduce = options.reduce} {}

  SearchResult run() {
    begin();
    while (!next_.empty() && !done_) level();
    if (!done_) result_.verdict = Verdict::holds;
    result_.states = seen_.size();
    result_.seconds = seconds();
    return std::move(result_);
  }

 private:
  double seconds() const {
    return before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }
  /// As states are kept and compared.
  void normalize(State& s) const {
    if (options_.symmetry) {
      s = canonical(system_, s);
    } else if (system_.generations) {
      renumber_generations(system_, s);
    }
  }

  void begin() {
    if (options_.resume.empty()) {
      State s = first(system_);
      normalize(s);
      seen_.add(fingerprint(s));
      next_.push(s);
      return;
    }
    Checkpoint c = load(options_.resume, identity(system_, options_), seen_, ways_);
    result_.transitions = c.transitions;
    result_.depth = c.depth;
    before_ = c.seconds;
    next_ = std::move(c.waiting);
  }

  /// States that follow one, and their fingerprints.
  struct Found {
    std::vector<Successor> states;
    std::vector<std::uint64_t> prints;
    bool any = false;
  };

  /// What was found waits until the next is found, while the table's lines come from memory.
  void add_soon() {
    if (found_.states.size() > 0xff) throw std::logic_error("more than 255 states follow one");
    for (Successor& s : found_.states) {
      normalize(s.state);
      found_.prints.push_back(fingerprint(s.state));
      seen_.fetch(found_.prints.back());
    }
    found_.any = true;
    add_waiting();
    std::swap(found_, waiting_);
  }
  void add_waiting() {
    if (!std::exchange(waiting_.any, false)) return;
    for (std::size_t i = 0; i < waiting_.prints.size(); ++i) {
      if (!seen_.add(waiting_.prints[i])) continue;
      ways_.found(static_cast<std::uint8_t>(i));
      next_.push(waiting_.states[i].state);
    }
    ways_.followed();
    waiting_.states.clear();
    waiting_.prints.clear();
  }

  void level() {
    Waiting now = std::exchange(next_, Waiting{});
    std::size_t number = seen_.size() - now.size();
    for (; !now.empty(); ++number) {
      follow(now.pop(), number);
      if (done_) return;
      if ((number & 0xfff) == 0) measure(now.bytes());
    }
    add_waiting();
    measure(now.bytes());
    if (!next_.empty()) ++result_.depth;
    // Only between levels is what was found complete.
    if (over_ ||
        std::chrono::duration<double>(Clock::now() - saved_).count() > options_.save_seconds)
      keep();
    if (over_ && !next_.empty()) give_up();
    if (options_.progress) options_.progress(seen_.size(), next_.size());
  }

  void follow(const State& state, std::size_t number) {
    const bool goes_on = successors(system_, state, machine_, found_.states);
    result_.transitions += found_.states.size();
    std::string why = violation(system_, state);
    if (why.empty() && !goes_on) why = stuck(system_, state);
    if (!why.empty()) {
      add_waiting();
      done_ = true;
      result_.verdict = Verdict::violated;
      trace(number);
      return;
    }
    add_soon();
  }

  /// With nowhere to keep what was found, a level need not be finished.
  void measure(std::size_t now) {
    const std::size_t bytes = seen_.bytes() + ways_.bytes() + now + next_.bytes();
    result_.bytes = std::max(result_.bytes, bytes);
    over_ = over_ || seen_.size() > options_.max_states || bytes > options_.max_bytes;
    if (over_ && options_.save.empty()) give_up();
  }

  void give_up() {
    done_ = true;
    result_.verdict = Verdict::unknown;
    result_.reason = seen_.size() > options_.max_states ? "the bound on states was reached"
                                                        : "the bound on memory was reached";
  }

  void keep() {
    saved_ = Clock::now();
    if (options_.save.empty()) return;
    Checkpoint c{identity(system_, options_), result_.transitions, result_.depth, seconds(), {}};
    c.waiting = std::exchange(next_, Waiting{});
    save(options_.save, c, seen_, ways_);
    next_ = std::move(c.waiting);
  }

  /// The fingerprints on the way to state `number`, the first state's left out.
  std::vector<std::uint64_t> prints_to(std::size_t number) const {
    std::vector<std::uint64_t> prints;
    State state = first(system_);
    normalize(state);
    for (const std::uint8_t which : ways_.to(number)) {
      std::vector<Successor> following;
      successors(system_, state, machine_, following);
      if (which >= following.size()) throw std::logic_error("a way that does not lead on");
      state = following[which].state;
      normalize(state);
      prints.push_back(fingerprint(state));
    }
    return prints;
  }

  /// Events from the first state to state `number`, in the names that the first state has.
  void trace(std::size_t number) {
    State state = first(system_);
    for (const std::uint64_t print : prints_to(number)) {
      std::vector<Successor> following;
      successors(system_, state, machine_, following);
      const auto it = std::ranges::find_if(following, [&](const Successor& s) {
        State same = s.state;
        normalize(same);
        return fingerprint(same) == print;
      });
      if (it == following.end()) throw std::logic_error("a trace that does not lead on");
      result_.trace.push_back(it->event);
      state = it->state;
    }
    result_.reason = judge(system_, state, options_.reduce);
    if (result_.reason.empty()) throw std::logic_error("a trace to nothing that is broken");
  }

  const System& system_;
  const SearchOptions& options_;
  Options machine_;
  Fingerprints seen_;
  Ways ways_;
  Waiting next_;           ///< found, and not yet followed
  Found found_, waiting_;  ///< last, and before that
  SearchResult result_;
  bool done_ = false, over_ = false;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
  double before_ = 0;  ///< seconds of the runs that this one resumes
};

}  // namespace

SearchResult search(const System& system, const SearchOptions& options) {
  return Search(system, options).run();
}

std::vector<Successor> replay(const System& system, const std::vector<Event>& trace, bool reduce) {
  std::vector<Successor> led;
  std::vector<Successor> following;
  State state = first(system);
  for (std::size_t i = 0; i < trace.size(); ++i) {
    following.clear();
    successors(system, state, {.reduce = reduce, .record_steps = true}, following);
    const auto it = std::ranges::find(following, trace[i], &Successor::event);
    if (it == following.end())
      throw std::invalid_argument("event " + std::to_string(i + 1) + " cannot happen there");
    led.push_back(*it);
    state = led.back().state;
  }
  return led;
}

std::string judge(const System& system, const State& state, bool reduce) {
  if (std::string why = violation(system, state); !why.empty()) return why;
  std::vector<Successor> following;
  return successors(system, state, {.reduce = reduce}, following) ? std::string{}
                                                                  : stuck(system, state);
}

}  // namespace mmuref::spec::protocol
