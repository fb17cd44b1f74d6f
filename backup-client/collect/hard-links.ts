import type { EntryStat } from '#common/archive/entry-stat.ts';

/** Files with several names, and something that is kept of the first name of each. */
export class HardLinks<First> {
  readonly #files = new Map<string, { readonly first: First; missing: number }>();

  firstOf(stat: EntryStat): First | undefined {
    return hasSeveralNames(stat) ? this.#files.get(keyOf(stat))?.first : undefined;
  }

  /** A name has passed; `first` is kept when it is the first. A file whose names have all passed is forgotten. */
  add(stat: EntryStat, first: First): void {
    if (!hasSeveralNames(stat)) return;
    const file = this.#files.get(keyOf(stat));
    if (file === undefined) this.#files.set(keyOf(stat), { first, missing: stat.nlink - 1 });
    else {
      file.missing -= 1;
      if (file.missing === 0) this.#files.delete(keyOf(stat));
    }
  }
}

export function hasSeveralNames(stat: EntryStat): boolean {
  return stat.nlink > 1 && stat.type === 'file';
}

function keyOf({ dev, ino }: EntryStat): string {
  return `${dev} ${ino}`;
}
