import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSshd } from '#common/testing/sshd.ts';
import { type DataSize, sizes } from './data.ts';
import { Figures } from './figures.ts';
import { memoryUnit, scaleGoals, speedGoals } from './goals.ts';
import { benchFleet } from './our-programs.ts';
import { ratiosOf, tableOf } from './print.ts';
import { compareScale } from './scale.ts';
import { compareSpeed } from './speed.ts';

/**
 * Our whole job next to what else could be done, on the same data in the same run: medians and ratios. Absolute times say
 * little on shared machines; the ratios are what to look at, also where we lose.
 *
 *     npm run bench -- [speed] [scale] [--size small] [--runs 3] [--json]
 */
const { values: flags, positionals } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const size = sizes[flags.size];
if (size === undefined) throw new Error(`--size must be one of ${Object.keys(sizes).join(', ')}`);
const isChosen = (part: string) => positionals.length === 0 || positionals.includes(part);
const figures = new Figures();
figures.add(memoryUnit.name, memoryUnit.bytes, 'bytes');
const common = { runs: Number(flags.runs), figures, say: (text: string) => console.error(text) };

if (isChosen('speed')) await speed(size);
if (isChosen('scale')) await compareScale({ ...common, counts: size.scale });
const ratios = ratiosOf([...speedGoals, ...scaleGoals], figures);
console.log(flags.json ? JSON.stringify(ratios, null, 2) : tableOf(figures, ratios));

async function speed(data: DataSize): Promise<void> {
  const fleet = await benchFleet();
  const shell = await startSshd({ folder: join(fleet.folder, 'sshd-for-others'), anyProgram: true });
  try {
    await compareSpeed({ ...common, fleet, shell, size: data });
  } finally {
    await shell.stop();
    await fleet.stop();
  }
}
