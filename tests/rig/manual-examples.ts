import { readFile } from 'node:fs/promises';

/** The examples of a page, by the name that stands behind the language of their fence: `sh file=packages`. */
export async function manualExamples(page: string): Promise<ReadonlyMap<string, string>> {
  const fences = (await readFile(page, 'utf8')).matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms);
  return new Map([...fences].map(([, name = '', text = '']) => [name, text]));
}
