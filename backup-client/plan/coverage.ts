import type { Asset, Coverage } from '#common/plugin/collector.ts';

/** `<kind>/<name>`, as the audit names an asset and as `ignore` lists it. */
export function assetId({ kind, name }: Pick<Asset, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

/** The assets that no task saves, by name or by a folder around their data, and that no pattern of `ignore` names. */
export function uncovered(
  assets: readonly Asset[],
  coverage: readonly Coverage[],
  ignore: readonly string[],
): readonly Asset[] {
  const named = new Set(coverage.flatMap(({ assets: own }) => own.map(assetId)));
  const folders = coverage.flatMap(({ paths }) => paths);
  const ignored = ignore.map(patternOf);
  const isSaved = (asset: Asset): boolean =>
    named.has(assetId(asset)) || folders.some((folder) => asset.path !== undefined && isWithin(asset.path, folder));
  return assets
    .filter((asset) => !isSaved(asset) && !ignored.some((pattern) => pattern.test(assetId(asset))))
    .sort((a, b) => (assetId(a) < assetId(b) ? -1 : 1));
}

function isWithin(path: string, folder: string): boolean {
  const root = folder.replace(/\/+$/, '');
  return path === root || path.startsWith(`${root}/`);
}

/** `*` stands for anything, also for nothing. */
function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
