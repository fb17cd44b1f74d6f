import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { freePort, startListening } from './storage-servers.ts';

/** A real InfluxDB server of version 1, with nothing in it. */
export interface InfluxdbServer {
  /** For queries. */
  readonly port: number;
  /** `host:port` for backups. */
  readonly rpcAddress: string;
  /** Runs a statement; the answer as CSV. */
  query(database: string, text: string): Promise<string>;
  /** Writes points, in the line protocol. */
  write(database: string, lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startInfluxdb(): Promise<InfluxdbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'influxdb-'));
  const [port, rpcPort] = [await freePort(), await freePort()];
  const config = join(folder, 'influxdb.conf');
  await writeFile(config, settings(folder, port, rpcPort));
  const stop = await startListening({ file: 'influxd', args: ['-config', config] }, port);
  const url = `http://127.0.0.1:${port}`;
  return {
    port,
    rpcAddress: `127.0.0.1:${rpcPort}`,
    query: async (database, text) => {
      const args = ['-port', String(port), '-database', database, '-format', 'csv', '-execute', text];
      const { exitCode, stdout, stderr } = await execaRunner().run({ file: '/usr/bin/influx', args });
      if (exitCode !== 0) throw new BackupError(`${text}: ${stdout}${stderr}`);
      return stdout.trim();
    },
    write: async (database, lines) => {
      const answer = await fetch(`${url}/write?db=${database}`, { method: 'POST', body: lines.join('\n') });
      if (!answer.ok) throw new BackupError(`writing to ${database}: ${await answer.text()}`);
    },
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
}

function settings(folder: string, port: number, rpcPort: number): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[http]
bind-address = "127.0.0.1:${port}"
[monitor]
store-enabled = false
`;
}
