import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The sqlite3 program with a database open, after some statements; ended without closing it. */
export async function openSqlite(path: string, statements: string): Promise<{ stop(): Promise<void> }> {
  const child = spawn('sqlite3', ['-batch', path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  child.stdin.write(`${statements};\n.print done\n`);
  await once(child.stdout, 'data');
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A program that has a database open and writes to it as fast as it can. */
export interface SqliteWriter {
  /** Waits until it has committed one more group of transactions. */
  goesOn(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs the transaction over and over, on one connection of the sqlite3 program. */
export async function startSqliteWriter(path: string, transaction: string): Promise<SqliteWriter> {
  const child = spawn('sqlite3', ['-batch', path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const group = `${`BEGIN IMMEDIATE; ${transaction}; COMMIT;\n`.repeat(20)}.print committed\n`;
  let isStopped = false;
  const write = async (): Promise<void> => {
    child.stdin.write('.timeout 60000\nPRAGMA synchronous=OFF;\n');
    while (!isStopped) if (!child.stdin.write(group)) await once(child.stdin, 'drain');
    child.stdin.end();
  };
  const written = write();
  const goesOn = async (): Promise<void> => {
    await once(lines, 'line');
  };
  await goesOn();
  return {
    goesOn,
    stop: async () => {
      isStopped = true;
      await Promise.all([written, ended]);
    },
  };
}
