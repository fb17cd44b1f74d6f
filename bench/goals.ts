/** What is compared with what, and the ratio to reach and to aim at. */
export const goals: readonly (readonly [figure: string, against: string, must: number, aim: number])[] = [
  ['first: our archive', 'tar | gzip -6', 0.4, 0.3],
  ['first: our archive', 'tar | pigz -6', 1.2, 0.9],
  ['first: our archive', 'tar | pigz -4', 1.2, 0.9],
  ['first: our cycle', 'first: rsync + restic', 1.3, 1.0],
  ['1 %: our archive', '1 %: restic directly', 1.5, 1.0],
  ['1 %: our cycle', '1 %: rsync + restic', 1.2, 0.8],
  ['1 % and dump: our archive', '1 % and dump: restic directly', 1.5, 1.0],
  ['1 % and dump: our cycle', '1 % and dump: rsync + restic', 1.2, 0.8],
];
