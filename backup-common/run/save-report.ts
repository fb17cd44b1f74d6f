import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import type { PartReport, RunReport } from './report.ts';

const keptReports = 100;

/**
 * Writes the record of a run to `<stateDir>/reports/<program>/<YYYYMMDDTHHMMSSmmmZ>.json` and to `latest.json` beside
 * it; the newest 100 are kept.
 */
export async function saveReport(stateDir: string, report: RunReport): Promise<string> {
  const folder = join(stateDir, 'reports', report.program);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${report.startedAt.replace(/[-:.]/g, '')}.json`);
  const text = `${JSON.stringify(report, null, 2)}\n`;
  await writeFileAtomically(path, text);
  await writeFileAtomically(join(folder, 'latest.json'), text);
  const old = (await readdir(folder)).filter((name) => /^\d{8}T\d+Z\.json$/.test(name)).sort();
  for (const name of old.slice(0, -keptReports)) await rm(join(folder, name), { force: true });
  return path;
}

/** The last report of a host, to `<stateDir>/hosts/<host>.json`: what `status` shows beside the repository's own facts. */
export async function saveHostReport(stateDir: string, report: PartReport): Promise<void> {
  const folder = join(stateDir, 'hosts');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomically(join(folder, `${report.name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
