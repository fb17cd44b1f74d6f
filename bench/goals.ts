/** A figure, what it is compared with, and the ratio of both to reach and to aim at. */
export interface Goal {
  readonly figure: string;
  readonly against: string;
  readonly must: number;
  readonly aim: number;
}

const changes = ['1 %', '1 % and dump'];

export const speedGoals: readonly Goal[] = [
  { figure: 'first: our archive', against: 'first: tar | fastest pigz of our size', must: 1.2, aim: 0.9 },
  { figure: 'first: our archive', against: 'first: tar czf', must: 0.4, aim: 0.3 },
  ...changes.map((what) => ({ figure: `${what}: our archive`, against: `${what}: restic`, must: 1.5, aim: 1 })),
  ...changes.map((what) => ({
    figure: `${what}: bytes we fetch`,
    against: `${what}: bytes rsync receives`,
    must: 3,
    aim: 1.5,
  })),
  ...changes.map((what) => ({ figure: `${what}: our fetch and tree`, against: `${what}: rsync`, must: 1.5, aim: 1 })),
  ...changes.map((what) => ({
    figure: `${what}: our cycle`,
    against: `${what}: rsync + restic`,
    must: 1.2,
    aim: 0.8,
  })),
  ...changes.map((what) => ({ figure: `${what}: our cycle`, against: `${what}: restic over SFTP`, must: 2, aim: 1.2 })),
  ...changes.map((what) => ({
    figure: `${what}: our cycle without a tree`,
    against: `${what}: rsync into an empty folder + restic`,
    must: 1.3,
    aim: 1,
  })),
  { figure: 'first: our cycle', against: 'first: rsync + restic', must: 1.3, aim: 1 },
  {
    figure: 'unchanged: bytes our client reads and writes',
    against: 'unchanged: size of our archive',
    must: 2.2,
    aim: 2.05,
  },
];

/** Memory is compared with a figure of its own, 100 MB. */
export const memoryUnit = { name: '100 MB', bytes: 100e6 };

export const scaleGoals: readonly Goal[] = [
  ...['client', 'server'].map((side) => ({
    figure: `many files: memory of the ${side}`,
    against: memoryUnit.name,
    must: 3,
    aim: 2,
  })),
  ...['first archive', 'first fetch and tree', 'unchanged archive', 'unchanged fetch and tree'].map((name) => ({
    figure: `many files: ${name}`,
    against: `few files: ${name}`,
    must: 1.2,
    aim: 1.2,
  })),
];
