import { runProgram } from '#common/cli.ts';
import { resticMaintenance } from './maintenance-program.ts';

await runProgram(resticMaintenance, process.argv.slice(2));
