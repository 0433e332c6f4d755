/* A lane, its queue, its workers, its endpoint and its operator, for exhaustive search by spin.
 *
 * One subscription with LANES lanes of EVENTS events each. Every interleaving of what follows is
 * searched, with at most CRASHES workers that die, ZOMBIES that go on after their message has
 * become visible again, and as many redrives, discards and copies of a message as the bounds say.
 *
 * The queue is SQS FIFO: a group's messages are in order, and while one is in flight the others
 * wait. A worker reads the ledger once for a message, and writes on condition that what it read is
 * unchanged: stale tells that another has written since. Each write must stand in the table of
 * ledger_writes.txt, from which CHECK is made.
 */

#ifndef LANES
#define LANES 1
#endif
#ifndef EVENTS
#define EVENTS 3
#endif
#ifndef SKIP
#define SKIP 0 /* 1: a dead letter holds nobody up */
#endif
#ifndef BUDGET
#define BUDGET 2 /* attempts until a delivery is dead */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef ZOMBIES
#define ZOMBIES 1
#endif
#ifndef COPIES
#define COPIES 1
#endif
#ifndef REDRIVES
#define REDRIVES 1
#endif
#ifndef DISCARDS
#define DISCARDS 1
#endif
#ifndef BREAKER
#define BREAKER 0 /* failures in a row that open it; 0: it never does */
#endif
#define WORKERS 2
#define NONE 255

#define ABSENT 0
#define WAITING 1
#define DELIVERED 2
#define DEAD 3
#define DISCARDED 4
#define FINAL(s) ((s) == DELIVERED || (s) == DISCARDED)
#define DONE(s) (FINAL(s) || (SKIP && (s) == DEAD))

#define FLOWING 0
#define DUE 1
#define IDLE 2
#define BEHIND_DEAD 3

#define HEAD_NONE 0
#define HEAD_BEFORE 1
#define HEAD_ITSELF 2
#define HEAD_AFTER 3

#define I(l, n) ((l) * EVENTS + (n))
#define SIZE (LANES * EVENTS)

mtype = { delivery, resume };

chan queue[LANES] = [EVENTS + COPIES + REDRIVES + 2] of { mtype, byte, byte };
byte locked_by[LANES] = NONE; /* the worker that has the group's message in flight */
bit received_before[LANES];

/* The ledger. */
byte status[SIZE];
byte tried[SIZE]; /* recorded attempts that failed, in all its lives */
byte kind[LANES];
byte head[LANES];
byte attempts[LANES]; /* of the head, in its budget */

/* What only the judge knows. */
byte letters[SIZE]; /* on the dead-letter queue: a bit for each number of attempts at death */
bit taken[SIZE]; /* by the receiver */
byte requests[LANES]; /* open ones */

/* The breaker. */
bit is_open;
byte failures;

byte crashes_left = CRASHES, zombies_left = ZOMBIES, copies_left = COPIES;
byte redrives_left = REDRIVES, discards_left = DISCARDS;

/* What each worker has read, and whether another has written it since. */
typedef Reader {
  bit lane_is_stale;
  bit record_is_stale[SIZE];
};
Reader reader[WORKERS];

#define IS_STALE (reader[me].lane_is_stale || reader[me].record_is_stale[i])

#include "checks.inc"

inline spoil(lane, record) {
  for (other : 0 .. WORKERS - 1) {
    if
    :: other == me -> skip
    :: other != me && (record) != NONE ->
      reader[other].lane_is_stale = reader[other].lane_is_stale || lane;
      reader[other].record_is_stale[record] = 1
    :: else -> reader[other].lane_is_stale = reader[other].lane_is_stale || lane
    fi
  }
  other = 0
}

/* One write of a delivery's record and of its lane, both or neither. */
inline write(l, i, becomes, lane_becomes, new_head) {
  relation = (lane_becomes == FLOWING -> HEAD_NONE :
    (new_head == i % EVENTS -> HEAD_ITSELF :
      (new_head < i % EVENTS -> HEAD_BEFORE : HEAD_AFTER)));
  CHECK(status[i], becomes, kind[l], lane_becomes, relation);
  assert(status[i] != DELIVERED || becomes == DELIVERED); /* a success stays one */
  if
  :: lane_becomes == FLOWING || head[l] != new_head -> attempts[l] = 0
  :: else
  fi;
  spoil(kind[l] != FLOWING || lane_becomes != FLOWING, i);
  status[i] = becomes;
  kind[l] = lane_becomes;
  head[l] = (lane_becomes == FLOWING -> 0 : new_head);
  relation = 0
}

/* What has no due time is due now. A lease leaves the version of the lane as it is. */
inline wake(l, is_probe) {
  CHECK_LANE(kind[l], DUE, HEAD_ITSELF);
  kind[l] = DUE;
  queue[l] ! resume, 0, is_probe
}

inline move(l, lane_becomes) {
  relation = (lane_becomes == FLOWING -> HEAD_NONE : HEAD_ITSELF);
  CHECK_LANE(kind[l], lane_becomes, relation);
  spoil(1, NONE);
  if
  :: lane_becomes == FLOWING -> head[l] = 0; attempts[l] = 0
  :: else
  fi;
  kind[l] = lane_becomes;
  relation = 0
}

/* The first delivery from n on that is not final; EVENTS if there is none. */
inline find_waiting(l, from, found) {
  found = from;
  do
  :: found < EVENTS && (status[I(l, found)] == ABSENT || FINAL(status[I(l, found)])) -> found++
  :: else -> break
  od
}

/* No attempt starts unless the receipt outlives it; then it is the lane's only request. */
inline begin_request(l, n) {
  assert(requests[l] == 0);
  requests[l]++;
  for (other : 0 .. EVENTS - 1) {
    assert(other >= n || DONE(status[I(l, other)]))
  }
  other = 0;
  assert(!(status[I(l, n)] == DEAD)); /* a dead letter rests until it is redriven */
  assert(!(status[I(l, n)] == DISCARDED))
}

/* Whoever holds the lane now must not send again what has arrived. */
inline late_success(l, i) {
  if
  :: kind[l] == BEHIND_DEAD && head[l] == i % EVENTS -> write(l, i, DELIVERED, DUE, head[l])
  :: else ->
    if
    :: status[i] != DELIVERED -> write(l, i, DELIVERED, kind[l], head[l])
    :: else
    fi
  fi
}

inline may_die() {
  if
  :: crashes_left > 0 -> crashes_left--; goto died
  :: true
  fi
}

proctype Worker(byte me) {
  byte l = 0, n = 0, death = 0, next = 0, other = 0, relation = 0, i = 0;
  mtype what = delivery;
  byte seen = 0; /* kind of the lane, as it was read */
  bit guarded = 0, accepted = 0, probing = 0, is_flowing = 0, is_requesting = 0;

take:
  atomic {
    accepted = 0; probing = 0; next = 0; death = 0; n = 0; i = 0; l = 0;
    guarded = 0; is_flowing = 0; seen = 0; what = delivery;
    reader[me].lane_is_stale = 0;
    for (other : 0 .. SIZE - 1) { reader[me].record_is_stale[other] = 0 }
    other = 0
  }
end_take:
  atomic {
    if
    :: locked_by[0] == NONE && len(queue[0]) > 0 -> l = 0
#if LANES > 1
    :: locked_by[1] == NONE && len(queue[1]) > 0 -> l = 1
#endif
    fi;
    queue[l] ? <what, n, death>;
    locked_by[l] = me;
    guarded = received_before[l] || what == resume;
    received_before[l] = 0
  }
  atomic { /* one consistent read */
    reader[me].lane_is_stale = 0;
    for (other : 0 .. SIZE - 1) { reader[me].record_is_stale[other] = 0 }
    other = 0;
    i = I(l, n);
    seen = kind[l];
    if
    :: what == resume -> probing = death; goto drain
    :: what == delivery && death != 0 && status[i] == DEAD && tried[i] == death -> goto redrive
    :: what == delivery && !(death != 0 && status[i] == DEAD && tried[i] == death)
    fi;
    if
    :: kind[l] == FLOWING && status[i] > WAITING -> goto acknowledge
    :: kind[l] == FLOWING && status[i] <= WAITING && (guarded || is_open) -> goto hold
    :: kind[l] == FLOWING && status[i] <= WAITING && !(guarded || is_open) ->
      is_flowing = 1; next = EVENTS; goto attempt
    :: kind[l] != FLOWING && status[i] != ABSENT -> goto drain
    :: kind[l] != FLOWING && status[i] == ABSENT -> goto append
    fi
  }

hold:
  atomic {
    may_die();
    if
    :: IS_STALE -> goto return_message
    :: else -> write(l, i, WAITING, DUE, n); seen = DUE; goto drain
    fi
  }

append:
  atomic {
    may_die();
    if
    :: IS_STALE -> goto return_message
    :: else ->
      assert(n > head[l]);
      write(l, i, WAITING, seen, head[l]); goto acknowledge
    fi
  }

redrive:
  atomic {
    may_die();
    if
    :: IS_STALE -> goto return_message
    :: !IS_STALE && kind[l] != FLOWING && n > head[l] ->
      write(l, i, WAITING, seen, head[l])
    :: !IS_STALE && !(kind[l] != FLOWING && n > head[l]) ->
      write(l, i, WAITING, DUE, n);
      attempts[l] = 0;
      seen = DUE
    fi
  }

drain:
  atomic {
    if
    :: reader[me].lane_is_stale -> goto return_message
    :: !reader[me].lane_is_stale && seen != DUE -> goto acknowledge /* it waits for another */
    :: !reader[me].lane_is_stale && seen == DUE && is_open && !probing -> goto suspend
    :: !reader[me].lane_is_stale && seen == DUE && is_open && !probing -> probing = 1 /* due */
    :: !reader[me].lane_is_stale && seen == DUE && (!is_open || probing)
    fi;
    find_waiting(l, head[l], n)
  }

drain_next:
  atomic {
    may_die();
    if
    :: reader[me].lane_is_stale -> goto return_message
    :: !reader[me].lane_is_stale && n == EVENTS -> move(l, FLOWING); goto acknowledge
    :: !reader[me].lane_is_stale && n < EVENTS ->
      i = I(l, n);
      reader[me].record_is_stale[i] = 0;
      find_waiting(l, n + 1, next)
    fi;
    if
    :: status[i] == DEAD && SKIP -> n = next; goto drain_next
    :: status[i] == DEAD && !SKIP -> move(l, BEHIND_DEAD); goto acknowledge
    :: status[i] == WAITING -> write(l, i, WAITING, DUE, n) /* announced */
    fi
  }

attempt:
  atomic {
    may_die();
    if
    :: locked_by[l] != me -> goto give_up /* too little time is left */
    :: else -> begin_request(l, n); is_requesting = 1
    fi
  }
  atomic {
    may_die();
    requests[l]--;
    is_requesting = 0;
    if
    :: accepted = 1; taken[i] = 1
    :: accepted = 0
    fi
  }
  if
  :: accepted -> goto succeeded
  :: else -> goto failed
  fi;

succeeded:
  atomic {
    may_die();
    if
    :: is_flowing && status[i] != DEAD ->
      if
      :: status[i] != DELIVERED -> write(l, i, DELIVERED, kind[l], head[l])
      :: else
      fi
    :: is_flowing && status[i] == DEAD -> late_success(l, i); goto return_message
    :: !is_flowing && reader[me].lane_is_stale -> late_success(l, i); goto return_message
    :: !is_flowing && !reader[me].lane_is_stale && next < EVENTS ->
      write(l, i, DELIVERED, DUE, next)
    :: !is_flowing && !reader[me].lane_is_stale && next == EVENTS ->
      write(l, i, DELIVERED, FLOWING, 0)
    fi
  }
  atomic {
    failures = 0;
    if
    :: is_open ->
      is_open = 0;
      if
      :: kind[0] == IDLE && len(queue[0]) < EVENTS -> wake(0, 0)
#if LANES > 1
      :: kind[1] == IDLE && len(queue[1]) < EVENTS -> wake(1, 0)
#endif
      :: else
      fi
    :: else
    fi;
    if
    :: is_flowing -> goto acknowledge
    :: next == EVENTS -> goto acknowledge
    :: else -> n = next; probing = 0; goto drain_again
    fi
  }

drain_again:
  atomic {
    if
    :: is_open -> goto suspend
    :: else -> goto drain_next
    fi
  }

failed:
  atomic {
    if
    :: BREAKER > 0 && failures + 1 >= BREAKER -> is_open = 1; failures = BREAKER
    :: BREAKER > 0 && failures + 1 < BREAKER -> failures++
    :: BREAKER == 0
    fi;
    if
    :: (is_flowing -> 0 : attempts[l]) + 1 >= BUDGET -> goto dies
    :: else
    fi
  }
  atomic {
    may_die();
    if
    :: IS_STALE -> goto return_message
    :: else ->
      write(l, i, WAITING, DUE, n);
      attempts[l]++;
      tried[i]++
    fi;
    if
    :: goto acknowledge /* a long wait: the scheduler brings it back */
    :: goto return_message /* a short one: it waits in the queue */
    fi
  }

dies:
  letters[i] = letters[i] | (1 << tried[i]); /* the queue first, the ledger second */
  atomic {
    may_die();
    if
    :: IS_STALE -> goto return_message
    :: !IS_STALE && !SKIP -> write(l, i, DEAD, BEHIND_DEAD, n)
    :: !IS_STALE && SKIP && next < EVENTS -> write(l, i, DEAD, DUE, next)
    :: !IS_STALE && SKIP && next == EVENTS -> write(l, i, DEAD, FLOWING, 0)
    fi;
    tried[i]++;
    if
    :: !SKIP || next == EVENTS -> goto acknowledge
    :: else -> n = next; goto drain_again
    fi
  }

suspend:
  atomic {
    may_die();
    if
    :: reader[me].lane_is_stale -> goto return_message
    :: else -> move(l, IDLE)
    fi
  }
  atomic { /* unless the breaker has closed since, when nothing would resume it */
    if
    :: is_open -> goto acknowledge
    :: !is_open && reader[me].lane_is_stale -> goto return_message
    :: else -> move(l, DUE); seen = DUE; goto drain
    fi
  }

died:
  atomic {
    requests[l] = (is_requesting -> 0 : requests[l]);
    is_requesting = 0
  }
give_up:
return_message:
  atomic {
    if
    :: locked_by[l] == me -> locked_by[l] = NONE; received_before[l] = 1
    :: else
    fi;
    goto take
  }

acknowledge:
  atomic {
    if
    :: locked_by[l] == me -> queue[l] ? what, n, death; locked_by[l] = NONE
    :: else /* its receipt is no longer good */
    fi;
    goto take
  }
}

/* Fan-out: the events of each pipeline in their order; a repeat sends the newest again. */
proctype Publisher(byte l) {
  byte n = 0;
  do
  :: n < EVENTS ->
    queue[l] ! delivery, n, 0;
    if
    :: atomic { copies_left > 0 -> copies_left--; queue[l] ! delivery, n, 0 }
    :: true
    fi;
    n++
  :: else -> break
  od
}

/* The message of a worker that goes on becomes visible, but while it has a request open. */
proctype Expiry(byte l) {
end_expiry:
  do
  :: atomic {
      locked_by[l] != NONE && requests[l] == 0 && zombies_left > 0 ->
      zombies_left--;
      locked_by[l] = NONE;
      received_before[l] = 1
    }
  od
}

/* Due lanes, probes, and what a lost resume has left idle. */
proctype Scheduler(byte l) {
  byte me = NONE, other = 0;
end_scheduler:
  do
  :: atomic { kind[l] == DUE && !(queue[l] ?? [resume, 0, 0]) -> queue[l] ! resume, 0, 0 }
  :: atomic { kind[l] == IDLE && is_open && !(queue[l] ?? [resume, 0, 1]) -> wake(l, 1) }
  :: atomic { kind[l] == IDLE && !is_open && !(queue[l] ?? [resume, 0, 0]) -> wake(l, 0) }
  od
}

proctype Operator(byte l, n) {
  byte me = NONE, other = 0, relation = 0, next = 0;
end_operator:
  do
  :: atomic {
      redrives_left > 0 && letters[I(l, n)] != 0 ->
      redrives_left--;
      for (next : 1 .. 7) {
        if
        :: letters[I(l, n)] & (1 << (next - 1)) ->
          letters[I(l, n)] = letters[I(l, n)] & ~(1 << (next - 1));
          queue[l] ! delivery, n, next;
          break
        :: letters[I(l, n)] & (1 << (next - 1)) /* another of its letters */
        :: else
        fi
      }
      next = 0
    }
  :: atomic {
      discards_left > 0 && status[I(l, n)] == DEAD ->
      discards_left--;
      letters[I(l, n)] = 0;
      find_waiting(l, n + 1, next);
      if
      :: kind[l] != FLOWING && head[l] == n && next < EVENTS ->
        write(l, I(l, n), DISCARDED, DUE, next)
      :: kind[l] != FLOWING && head[l] == n && next == EVENTS ->
        write(l, I(l, n), DISCARDED, FLOWING, 0)
      :: else -> write(l, I(l, n), DISCARDED, kind[l], head[l])
      fi;
      next = 0
    }
  od
}

/* Nothing is lost: at rest each event was taken, is a letter, was discarded, or waits for one. */
proctype Judge() {
  byte i = 0;
end_judge:
  timeout ->
  atomic {
    for (i : 0 .. SIZE - 1) {
      assert(status[i] != ABSENT);
      assert(status[i] != DELIVERED || taken[i]);
      assert(status[i] != DEAD || letters[i] & (1 << (tried[i] - 1)));
      assert(status[i] != WAITING || (!SKIP && kind[i / EVENTS] == BEHIND_DEAD));
      assert(status[i] != WAITING || status[I(i / EVENTS, head[i / EVENTS])] == DEAD)
    }
  }
}

init {
  byte l = 0, n = 0;
  atomic {
    for (l : 0 .. LANES - 1) {
      run Publisher(l); run Expiry(l); run Scheduler(l);
      for (n : 0 .. EVENTS - 1) { run Operator(l, n) }
    }
    run Worker(0); run Worker(1); run Judge()
  }
}
