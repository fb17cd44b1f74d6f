import { join } from 'node:path';
import { startSshd } from '#common/testing/sshd.ts';
import { Figures } from './figures.ts';
import { memoryUnit, scaleGoals, speedGoals } from './goals.ts';
import { type BenchOptions, benchOptions, usage } from './options.ts';
import { benchFleet } from './our-programs.ts';
import { ratiosOf, tableOf } from './print.ts';
import { compareScale } from './scale.ts';
import { compareSpeed } from './speed.ts';

/**
 * Our whole job next to what else could be done, on the same data in the same run: medians and ratios. Absolute times say
 * little on shared machines; the ratios are what to look at, also where we lose.
 */
const options = chosen();
if (options !== undefined) {
  const figures = await measured(options);
  const ratios = ratiosOf([...speedGoals, ...scaleGoals], figures);
  console.log(options.json ? JSON.stringify(ratios, null, 2) : tableOf(figures, ratios));
}

/** Undefined where there is nothing to be measured. */
function chosen(): BenchOptions | undefined {
  try {
    const options = benchOptions(process.argv.slice(2));
    if (!options.help) return options;
    console.log(usage);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
  }
  return undefined;
}

async function measured({ parts, size, runs }: BenchOptions): Promise<Figures> {
  const figures = new Figures();
  figures.add(memoryUnit.name, memoryUnit.bytes, 'bytes');
  const common = { runs, figures, say: (text: string) => console.error(text) };
  if (parts.includes('speed')) {
    const fleet = await benchFleet();
    const shell = await startSshd({ folder: join(fleet.folder, 'sshd-for-others'), anyProgram: true });
    try {
      await compareSpeed({ ...common, fleet, shell, size });
    } finally {
      await shell.stop();
      await fleet.stop();
    }
  }
  if (parts.includes('scale')) await compareScale({ ...common, counts: size.scale });
  return figures;
}
