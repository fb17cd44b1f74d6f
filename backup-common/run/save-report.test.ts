import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { part, run } from '../testing/sample-reports.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { saveHostReport, saveReport } from './save-report.ts';

const parsed = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
/** As JSON has it: without what is undefined. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a report is kept under its time and as the latest, for root only', async (t) => {
  const folder = await tempFolder(t);
  const report = run({ parts: [part()] });
  const path = await saveReport(folder, report);
  assert.equal(path, join(folder, 'reports', 'backup-server', '20260301T040000000Z.json'));
  assert.deepEqual(await parsed(path), asJson(report));
  assert.deepEqual(await parsed(join(folder, 'reports', 'backup-server', 'latest.json')), asJson(report));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'reports'))).mode & 0o777, 0o700);
});

test('the newest hundred are kept, and those of another program are left alone', async (t) => {
  const folder = await tempFolder(t);
  await saveReport(folder, run({ program: 'restic-maintenance', startedAt: '2020-01-01T00:00:00.000Z' }));
  for (let minute = 0; minute < 103; minute += 1) {
    const startedAt = new Date(Date.UTC(2026, 2, 1, 4, minute)).toISOString();
    await saveReport(folder, run({ startedAt }));
  }
  const names = (await readdir(join(folder, 'reports', 'backup-server'))).sort();
  assert.equal(names.length, 101);
  assert.deepEqual(
    [names[0], names[99], names[100]],
    ['20260301T040300000Z.json', '20260301T054200000Z.json', 'latest.json'],
  );
  assert.equal((await readdir(join(folder, 'reports', 'restic-maintenance'))).length, 2);
});

test('a host has its last report', async (t) => {
  const folder = await tempFolder(t);
  await saveHostReport(folder, part({ durationMs: 1 }));
  await saveHostReport(folder, part({ durationMs: 2 }));
  await saveHostReport(folder, part({ name: 'mail' }));
  assert.deepEqual((await readdir(join(folder, 'hosts'))).sort(), ['mail.json', 'web.json']);
  assert.deepEqual(await parsed(join(folder, 'hosts', 'web.json')), asJson(part({ durationMs: 2 })));
});
