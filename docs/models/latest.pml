/* check: -DDEATHS=0 ; -DSAFETY ; -m100000 */
/* check: -DDEATHS=2 ; -DSAFETY ; -m100000 */
/*
 * The latest message of a channel once more, beside the word that publishes it
 * (src/channel/latest.hpp), and the putters' own copy of that word (docs/layout/channel.md).
 *
 * Putters put one message after another, some small and some not, and may die between any two
 * stores; the next finds the lock of the dead, repairs, and goes on. A getter takes what comes, from
 * beside the word where it may and else from the segment, while the next is being written.
 *
 * Checked: what the getter takes as message n is what the putter that published n wrote, whole; and
 * putters go on from where the last published. A step is one store, or one load. (That the orders
 * of memory make it so on real machines is said in latest.hpp.)
 */
#define MESSAGES 3
#define WORDS 2

byte published;           /* how many */
byte put;                 /* the same, for who has the lock */
byte latest;              /* which message the words are, counted from 1 on */
byte words[WORDS];
byte segment[MESSAGES];   /* what each message is; never written again once it is published */
bool is_small[MESSAGES];
byte writings;            /* each writing of a message is another value */
byte deaths = DEATHS;

/* One putter at a time, as the lock has it. The next does what the last one does, or, where that one
 * died, first what a repair does: so one process stands for all of them. */
#define MAY_DIE \
  if \
  :: atomic { deaths > 0 -> deaths--; goto died } \
  :: true \
  fi

active proctype Putters() {
  byte n, i, value;
next:
  if
  :: published == MESSAGES -> goto ended
  :: else
  fi;
  n = put;
  assert(n == published);
  atomic { writings++; value = writings };
  if
  :: is_small[n] = true
  :: is_small[n] = false
  fi;
  segment[n] = value;
  MAY_DIE;
  latest = n + 2;
  MAY_DIE;
  if
  :: is_small[n] ->
     i = 0;
     do
     :: i < WORDS -> words[i] = value; i++; MAY_DIE
     :: else -> break
     od;
     latest = n + 1;
     MAY_DIE
  :: else
  fi;
  published = n + 1;
  MAY_DIE;
  put = n + 1;
  MAY_DIE;
  goto next;
died:
  MAY_DIE;
  put = published;        /* the repair */
  MAY_DIE;
  goto next;
ended:
  skip
}

active proctype Getter() {
  byte taken, seen, i;
  byte read[WORDS];
  do
  :: taken == MESSAGES -> break
  :: else ->
     published != taken;
     seen = published;
     if
     :: seen == taken + 1 && latest == seen ->
        i = 0;
        do
        :: i < WORDS -> read[i] = words[i]; i++
        :: else -> break
        od;
        if
        :: latest == seen ->
           assert(is_small[taken]);
           assert(read[0] == segment[taken]);
           assert(read[1] == segment[taken])
        :: else
        fi
     :: else
     fi;
     taken++
  od
}
