import { build, type Plugin } from 'esbuild';

/** Puts the bundled code of a thread, as text, in the place of the module that has it loaded from the sources. */
export const embeddedThread: Plugin = {
  name: 'embedded-thread',
  setup({ onLoad }) {
    onLoad({ filter: /\/archive-thread-code\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path.replace('-code.ts', '.ts')],
        bundle: true,
        write: false,
        platform: 'node',
        target: 'node18.20',
        format: 'cjs',
      });
      return { contents: `export const archiveThreadCode = ${JSON.stringify(outputFiles[0]?.text)};` };
    });
  },
};
