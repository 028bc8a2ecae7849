import type { NetworkClock } from './clock.js';

/** A timer of the network's own. Arming it again with a later deadline costs nothing: it moves when the earlier one comes. */
export class NetworkTimer {
  /** Infinity: not armed. */
  deadlineMs = Infinity;
  /** The key that it has in the heap, at most `deadlineMs`. */
  keyMs = Infinity;
  /** Of equal keys the one that was armed first fires first. */
  order = 0;
  /** Its place in the heap; -1 outside. */
  index = -1;

  constructor(
    private readonly timers: NetworkTimers,
    readonly fire: () => void,
  ) {}

  get armed(): boolean {
    return this.deadlineMs !== Infinity;
  }

  arm(atMs: number): void {
    this.deadlineMs = atMs;
    if (this.index < 0 || atMs < this.keyMs) this.timers.place(this, atMs);
  }

  cancel(): void {
    this.deadlineMs = Infinity;
  }

  /** Takes it out of the heap, so that nothing holds it any more. */
  dispose(): void {
    this.deadlineMs = Infinity;
    this.timers.remove(this);
  }
}

/** All timers of a network over the one alarm that its clock has: a binary heap. */
export class NetworkTimers {
  private readonly heap: NetworkTimer[] = [];
  private alarmMs = Infinity;
  private firing = false;
  private orders = 0;

  constructor(private readonly clock: NetworkClock) {}

  nowMs(): number {
    return this.clock.nowMs();
  }

  create(fire: () => void): NetworkTimer {
    return new NetworkTimer(this, fire);
  }

  place(timer: NetworkTimer, keyMs: number): void {
    timer.keyMs = keyMs;
    timer.order = this.orders++;
    if (timer.index < 0) {
      timer.index = this.heap.length;
      this.heap.push(timer);
    }
    this.up(timer);
    this.setAlarm();
  }

  remove(timer: NetworkTimer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.heap.pop() as NetworkTimer;
    if (last === timer) return;
    this.heap[index] = last;
    last.index = index;
    this.up(last);
    this.down(last);
  }

  close(): void {
    for (const timer of this.heap) timer.index = -1;
    this.heap.length = 0;
    this.clock.setAlarm(undefined, this.run);
  }

  private readonly run = (): void => {
    this.alarmMs = Infinity;
    this.firing = true;
    const now = this.clock.nowMs();
    while (this.heap.length > 0) {
      const timer = this.heap[0];
      if (timer.keyMs > now) break;
      if (timer.deadlineMs > now) {
        // Armed again since, or cancelled.
        if (timer.deadlineMs === Infinity) this.remove(timer);
        else {
          timer.keyMs = timer.deadlineMs;
          timer.order = this.orders++;
          this.down(timer);
        }
        continue;
      }
      this.remove(timer);
      timer.deadlineMs = Infinity;
      timer.fire();
    }
    this.firing = false;
    this.setAlarm();
  };

  private setAlarm(): void {
    if (this.firing) return;
    const next = this.heap.length === 0 ? Infinity : this.heap[0].keyMs;
    // An alarm that comes too early finds nothing to do and sets the next: cheaper than moving it with every segment.
    if (next >= this.alarmMs) return;
    this.alarmMs = next;
    this.clock.setAlarm(next, this.run);
  }

  private up(timer: NetworkTimer): void {
    const { heap } = this;
    let { index } = timer;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!isBefore(timer, above)) break;
      heap[index] = above;
      above.index = index;
      index = parent;
    }
    heap[index] = timer;
    timer.index = index;
  }

  private down(timer: NetworkTimer): void {
    const { heap } = this;
    let { index } = timer;
    while (true) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      const below = heap[child];
      if (!isBefore(below, timer)) break;
      heap[index] = below;
      below.index = index;
      index = child;
    }
    heap[index] = timer;
    timer.index = index;
  }
}

function isBefore(a: NetworkTimer, b: NetworkTimer): boolean {
  return a.keyMs < b.keyMs || (a.keyMs === b.keyMs && a.order < b.order);
}
