/* Linux 4.6's TLB flushes in Promela: what `mmuref flush explore --protocol linux-4.6 --mms 1
 * --pages 1 --whole` explores, for Spin.
 *
 * It shares no code with spec/protocol/. One mm, one page, one page table; processors with store
 * buffers of two; interrupts; the most that each TLB may hold. A statement, or a d_step, is a step
 * there. Not here: that what one processor began can be finished, unless all of them hang.
 *
 * -DCPUS=2 or 3. -DBREAK_... leaves out what `mmuref flush gallery` names.
 * -DALIKE, for `spin -o3`, takes a step of its own wherever ours does: then both have the same
 * states. */

#ifndef CPUS
#define CPUS 2
#endif

/* PTEs */
#define NONE 0
#define READ_ONLY 1
#define WRITABLE 2
#define VALUE(pte) (1 << (pte))
#define EVERY_VALUE (VALUE(READ_ONLY) | VALUE(WRITABLE))
#define A_VALUE(pte) (VALUE(pte) & EVERY_VALUE)

/* What the flush is of */
#define PAGE 0
#define EVERYTHING 1

/* cpu_tlbstate.state */
#define TLBSTATE_OK 1
#define TLBSTATE_LAZY 0

/* A test after which its register, no longer needed, is 0: states do not differ by it. */
#define TEST(condition, last) d_step { condition -> last = 0 }

#define BIT(cpu) (1 << (cpu))

/* Of two processes that are one processor: what it runs, and its interrupt's handler. */
#define me (_pid % CPUS)

/* Where ours takes a step that only says where to go on, or with which mm and page. */
#ifdef ALIKE
#define BEFORE skip ->
#define AFTER ; skip
#else
#define BEFORE
#define AFTER
#endif

/* Shared memory. Stores to the first three go through store buffers. */
#define PTE 0
#define PMD 1
#define LOCK 2
byte memory[3];
byte cpumask; /* mm_cpumask, changed by locked instructions alone */

typedef Buffer { byte stores; byte place[2]; byte value[2] };
Buffer buffer[CPUS];

/* Of each processor: 1 is the mm, 0 init_mm or nobody. */
bit current_mm[CPUS], active_mm[CPUS], loaded_mm[CPUS], tlb_state[CPUS];
bit cr3[CPUS];
bit interrupts_off[CPUS];
byte handling[CPUS]; /* 1 + the sender of the interrupt */
byte pending[CPUS];  /* senders of interrupts not yet taken, a bit each */
byte waiting[CPUS];  /* processors that have not acknowledged, a bit each */
bit told_mm[CPUS], told_what[CPUS]; /* arguments of the interrupt it sends */

/* The most that a TLB can hold: values of the PTE, and the entry that leads to the table. */
byte cached[CPUS];
bit cached_table[CPUS];

/* What was promised, and no step asks. */
bit frame_is_free = 1, table_is_free = 1;
byte forbidden = EVERY_VALUE;
byte switching[CPUS]; /* CR3 and cpumask may disagree, and nobody uses the mm */

#define DRAINED(c) (buffer[c].stores == 0)

/* Memory as processor c sees it. */
#define SEEN(c, p)                                                            \
  ((buffer[c].stores == 2 && buffer[c].place[1] == p) -> buffer[c].value[1] : \
   ((buffer[c].stores != 0 && buffer[c].place[0] == p) -> buffer[c].value[0] : memory[p]))

inline walk(c) {
  if
  :: cr3[c] && (memory[PMD] || cached_table[c]) ->
     cached_table[c] = 1;
     cached[c] = cached[c] | A_VALUE(memory[PTE])
  :: else
  fi
}

/* The TLBs again hold all that a walk finds. */
inline walk_all() {
  walk(0);
  walk(1);
#if CPUS > 2
  walk(2);
#endif
}

inline store(p, v) {
  d_step {
    buffer[me].stores < 2 ->
    buffer[me].place[buffer[me].stores] = p;
    buffer[me].value[buffer[me].stores] = v;
    buffer[me].stores++
  }
}

inline set_cr3(mm) {
  cr3[me] = mm;
  cached[me] = 0;
  cached_table[me] = 0;
  walk(me)
}
inline load_cr3(mm) { d_step { DRAINED(me) -> set_cr3(mm) } }

/* Everything that is cached of the mm, or of the page: the only one. */
#define DROP(what) load_cr3((what == EVERYTHING -> 1 : cr3[me]))

#define SET_MASK cpumask = cpumask | BIT(me)
#define CLEAR_MASK cpumask = cpumask & ~BIT(me)

inline leave_mm() {
  cpus = cpumask;
  if
  :: TEST(cpus & BIT(me), cpus) ->
#ifdef BREAK_leave_loads_cr3
     d_step { DRAINED(me) -> CLEAR_MASK }
#else
     d_step { DRAINED(me) -> CLEAR_MASK; switching[me]++ };
     d_step { DRAINED(me) -> set_cr3(0); switching[me]-- }
#endif
  :: TEST(!(cpus & BIT(me)), cpus)
  fi
}

inline flush_tlb_others(what) {
  cpus = cpumask;
  if
  :: cpus & ~BIT(me) ->
     told_mm[me] = 1;
     told_what[me] = what;
     d_step {
       DRAINED(me) ->
       waiting[me] = cpus & ~BIT(me);
       pending[0] = pending[0] | ((waiting[me] & 1) << me);
       pending[1] = pending[1] | ((waiting[me] >> 1 & 1) << me);
#if CPUS > 2
       pending[2] = pending[2] | ((waiting[me] >> 2 & 1) << me);
#endif
       cpus = 0
     };
#ifndef BREAK_wait_for_all
     waiting[me] == 0
#endif
  :: TEST(!(cpus & ~BIT(me)), cpus)
  fi
}

/* here: what is dropped where the mm is in use here, by others too. elsewhere: by others where it
 * is not. barrier: waited for before the mask is read where it is not. */
inline flush(here, elsewhere, barrier) {
  if
  :: active_mm[me] ->
     if
     :: !current_mm[me] ->
        leave_mm();
        DRAINED(me); /* a full barrier */
        flush_tlb_others(elsewhere) AFTER
     :: else ->
        DROP(here);
        flush_tlb_others(here)
     fi AFTER
  :: else ->
     barrier;
     flush_tlb_others(elsewhere)
  fi
}

#ifdef BREAK_barrier_in_mm_range
#define RANGE_BARRIER true
#else
#define RANGE_BARRIER DRAINED(me)
#endif
#ifdef BREAK_barrier_in_page
#define PAGE_BARRIER true
#else
#define PAGE_BARRIER DRAINED(me)
#endif

inline lock() {
  BEFORE BEFORE
  d_step { DRAINED(me) && !memory[LOCK] -> memory[LOCK] = 1 };
  pte = SEEN(me, PTE)
}

inline unlock() {
  d_step {
    buffer[me].stores < 2 ->
    if
    :: buffer[me].stores == 0 -> memory[LOCK] = 0
    :: else ->
       buffer[me].place[1] = LOCK;
       buffer[me].value[1] = 0;
       buffer[me].stores = 2
    fi
  }
}

#define PERMIT(v) forbidden = forbidden & ~VALUE(v)
#define FORBID forbidden = EVERY_VALUE & ~VALUE(SEEN(me, PTE))

/* do_anonymous_page */
inline map() {
  lock();
  if
  :: TEST(pte == NONE, pte) ->
     there = SEEN(me, PMD);
     if
     :: !there ->
        table_is_free = 0;
        store(PMD, 1)
     :: TEST(there, there)
     fi;
     BEFORE frame_is_free = 0;
     PERMIT(WRITABLE);
     store(PTE, WRITABLE)
  :: TEST(pte != NONE, pte)
  fi;
  unlock()
}

#define FREE_FRAME d_step { frame_is_free = (pte -> 1 : frame_is_free); pte = 0 }

/* zap_pte_range */
inline unmap() {
  lock();
  store(PTE, NONE);
#ifdef BREAK_flush_before_free
  FREE_FRAME;
  flush(PAGE, EVERYTHING, RANGE_BARRIER);
  FORBID;
#else
  flush(PAGE, EVERYTHING, RANGE_BARRIER);
  FORBID;
  FREE_FRAME;
#endif
  unlock()
}

/* ptep_clear_flush */
inline protect() {
  lock();
  if
  :: TEST(pte == WRITABLE, pte) ->
     PERMIT(READ_ONLY);
     store(PTE, READ_ONLY);
     flush(PAGE, PAGE, PAGE_BARRIER);
     FORBID
  :: TEST(pte != WRITABLE, pte)
  fi;
  unlock()
}

/* free_pgtables */
inline free_table() {
  lock();
  if
  :: TEST(pte == NONE, pte) ->
     store(PMD, 0);
#ifndef BREAK_flush_of_tables
     flush(EVERYTHING, EVERYTHING, RANGE_BARRIER);
#endif
     table_is_free = 1
  :: TEST(pte != NONE, pte)
  fi AFTER;
  unlock()
}

inline switch_mm() {
  BEFORE interrupts_off[me] = 1;
  if
  :: active_mm[me] ->
     tlb_state[me] = TLBSTATE_OK;
     cpus = cpumask;
     if
     :: cpus & BIT(me) AFTER
     :: else -> d_step { DRAINED(me) -> SET_MASK }
     fi;
     if
     :: TEST(cpus & BIT(me), cpus) AFTER
     :: TEST(!(cpus & BIT(me)), cpus) -> load_cr3(1)
     fi AFTER
  :: else ->
     tlb_state[me] = TLBSTATE_OK;
     loaded_mm[me] = 1;
#ifdef BREAK_mask_before_cr3
     d_step { DRAINED(me) -> set_cr3(1); switching[me]++ };
     d_step { DRAINED(me) -> SET_MASK; switching[me]-- }
#else
     d_step { DRAINED(me) -> SET_MASK };
     load_cr3(1)
#endif
     AFTER AFTER /* prev is init_mm: there is no other */
  fi;
  current_mm[me] = 1;
  active_mm[me] = 1;
  interrupts_off[me] = 0
}

inline enter_lazy_tlb() {
  interrupts_off[me] = 1;
  if
  :: tlb_state[me] == TLBSTATE_OK -> tlb_state[me] = TLBSTATE_LAZY
  :: else
  fi;
  current_mm[me] = 0;
  interrupts_off[me] = 0
}

active [CPUS] proctype cpu() provided (handling[_pid] == 0) {
  byte cpus, pte;
  bit there;
end:
  do
  :: if
     :: BEFORE
        if
        :: BEFORE switch_mm() AFTER
        :: BEFORE enter_lazy_tlb()
        fi AFTER
     :: BEFORE map() AFTER
     :: BEFORE unmap() AFTER
     :: BEFORE protect() AFTER
     :: BEFORE free_table()
     fi AFTER
  od
}

#define SENDER (handling[me] - 1)

inline take_interrupt(c) {
  d_step {
    !interrupts_off[me] && (pending[me] & BIT(c)) ->
    pending[me] = pending[me] & ~BIT(c);
    handling[me] = 1 + c
  }
}

/* flush_tlb_func, with interrupts disabled */
active [CPUS] proctype handler() {
  byte cpus;
end:
  do
  :: if
     :: take_interrupt(0)
     :: take_interrupt(1)
#if CPUS > 2
     :: take_interrupt(2)
#endif
     fi;
     if
     :: told_mm[SENDER] == loaded_mm[me] ->
        if
        :: tlb_state[me] == TLBSTATE_OK ->
           if
           :: told_what[SENDER] == EVERYTHING ->
              load_cr3(loaded_mm[me]) AFTER
           :: else -> DROP(PAGE)
           fi AFTER
        :: else ->
#ifndef BREAK_lazy_is_told
           leave_mm()
#endif
        fi
     :: else
     fi;
     d_step {
       DRAINED(me) ->
       waiting[SENDER] = waiting[SENDER] & ~BIT(me);
       if
       :: waiting[SENDER] == 0 -> told_mm[SENDER] = 0; told_what[SENDER] = PAGE
       :: else
       fi;
       handling[me] = 0
     }
  od
}

/* The oldest store becomes visible, and what unlocks right after it. */
inline drain(c) {
  d_step {
    !DRAINED(c) ->
    do
    :: memory[buffer[c].place[0]] = buffer[c].value[0];
       buffer[c].place[0] = buffer[c].place[1];
       buffer[c].value[0] = buffer[c].value[1];
       buffer[c].place[1] = 0;
       buffer[c].value[1] = 0;
       buffer[c].stores--;
       if
       :: buffer[c].stores != 0 && buffer[c].place[0] == LOCK
       :: else -> break
       fi
    od;
    walk_all()
  }
}

active proctype store_buffers() {
end:
  do
  :: drain(0)
  :: drain(1)
#if CPUS > 2
  :: drain(2)
#endif
  od
}

/* T1 and T3, then T2 and T4. */
#define KEPT(c)                                                                              \
  (!cr3[c] || switching[c] ||                                                                \
   ((cpumask & BIT(c)) && !(cached[c] & forbidden) && !(cached_table[c] && table_is_free) && \
    !(cached[c] && frame_is_free)))

active proctype promises() {
end:
#if CPUS > 2
  !(KEPT(0) && KEPT(1) && KEPT(2)) ->
#else
  !(KEPT(0) && KEPT(1)) ->
#endif
  assert(false)
}
