// The time as Unicorn sees it.
//
// Its TLB grows and shrinks with use, and shrinks only when 100 ms have passed. What a program finds
// cached would then depend on how fast the machine is, and a campaign would be no function of its
// seed. So every reading is a second after the last: 100 ms have always passed.
#include <sys/time.h>

#include <atomic>

extern "C" int __wrap_gettimeofday(timeval* time, void*) {
  static std::atomic<time_t> seconds = 1;
  *time = {.tv_sec = ++seconds, .tv_usec = 0};
  return 0;
}
