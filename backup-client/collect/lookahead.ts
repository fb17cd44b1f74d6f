/** An iterator whose next values can be seen before they are taken. */
export class Lookahead<T> {
  readonly #source: Iterator<T>;
  readonly #seen: T[] = [];

  constructor(source: Iterable<T>) {
    this.#source = source[Symbol.iterator]();
  }

  /** The next `count` values, fewer at the end. */
  ahead(count: number): readonly T[] {
    while (this.#seen.length < count) {
      const next = this.#source.next();
      if (next.done === true) break;
      this.#seen.push(next.value);
    }
    return this.#seen.slice(0, count);
  }

  peek(): T | undefined {
    return this.ahead(1)[0];
  }

  take(count: number): readonly T[] {
    this.ahead(count);
    return this.#seen.splice(0, count);
  }
}
