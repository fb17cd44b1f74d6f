/**
 * What a thread runs, as text, so that each program stays one file and a thread loads no more than it needs. The build
 * puts the bundled archive-thread.ts in the place of this module; from the sources it comes through tsx.
 */
export const archiveThreadCode = `
import('tsx/esm/api').then(({ register }) => {
  register();
  return import(${JSON.stringify(new URL('archive-thread.ts', import.meta.url).href)});
});
`;
