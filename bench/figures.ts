/** What a figure is measured in. */
export type Unit = 's' | 'bytes' | 'µs';

/** One value for each time it was measured. */
export interface Measured {
  readonly values: readonly number[];
  readonly unit: Unit;
}

/** What was measured, by name, in the order of first mention. */
export class Figures {
  readonly #figures = new Map<string, Measured>();

  add(name: string, value: number, unit: Unit = 's'): void {
    this.#figures.set(name, { values: [...(this.#figures.get(name)?.values ?? []), value], unit });
  }

  /** Undefined when it was not measured. */
  median(name: string): number | undefined {
    const found = this.#figures.get(name);
    return found && median(found.values);
  }

  all(): readonly (readonly [name: string, figure: Measured])[] {
    return [...this.#figures];
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
