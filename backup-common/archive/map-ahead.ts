/**
 * Maps in order with up to `ahead` results under way. When the source fails, what came before is given out first. What is
 * under way when the consumer stops is left to settle.
 */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T>,
  ahead: number,
  map: (value: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for await (const take of takers(source)) {
    const result = (async () => map(take()))();
    result.catch(() => undefined); // seen when its turn comes
    underWay.push(result);
    const first = underWay.length > ahead ? underWay.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of underWay) yield await result;
}

/** Each gives a value; the last one throws the source's failure if there was one. */
async function* takers<T>(source: AsyncIterable<T>): AsyncGenerator<() => T> {
  try {
    for await (const value of source) yield () => value;
  } catch (error) {
    yield () => {
      throw error;
    };
  }
}
