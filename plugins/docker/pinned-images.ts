import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Container } from './containers.ts';
import { inspect, runDocker } from './docker-commands.ts';

/** An image as it lies here; `digests` are the names `repository@sha256:…` by which registries know it. */
export interface Image {
  readonly id: string;
  readonly digests: readonly string[];
}

export interface PinnedImages {
  /** A compose file to be used after the project's own ones; undefined when no image has a digest. */
  readonly file: string | undefined;
  /** Images no registry knows, as the compose file names them. */
  readonly unknown: readonly string[];
}

/** The images that the containers were made from, whatever their tags mean by now. */
export async function imagesOf(containers: readonly Container[], context: RecoveryContext): Promise<readonly Image[]> {
  const ids = [...new Set(containers.map(({ image }) => image.id))];
  return ids.length === 0 ? [] : parseImages(await runDocker(inspect('image', ids), 'look at the images', context));
}

export function parseImages(json: string): readonly Image[] {
  const images = JSON.parse(json) as readonly { readonly Id: string; readonly RepoDigests: readonly string[] | null }[];
  return images.map(({ Id, RepoDigests }) => ({ id: Id, digests: RepoDigests ?? [] }));
}

export function pinImages(containers: readonly Container[], images: readonly Image[]): PinnedImages {
  const services = new Map<string, { readonly name: string; readonly digest: string | undefined }>();
  for (const { service, image } of containers) {
    const digests = images.find(({ id }) => id === image.id)?.digests ?? [];
    services.set(service, { name: image.name, digest: digestFor(image.name, digests) });
  }
  const pinned = [...services]
    .sort()
    .flatMap(([service, { name, digest }]) =>
      digest === undefined ? [] : `  ${JSON.stringify(service)}:\n    image: ${JSON.stringify(digest)} # ${name}\n`,
    );
  return {
    file: pinned.length === 0 ? undefined : [header, 'services:\n', ...pinned].join(''),
    unknown: [...services.values()].flatMap(({ name, digest }) => (digest === undefined ? [name] : [])),
  };
}

const header = `# The images that were in use when this was saved. To start with exactly these, name this file after the others:
#   docker compose --file compose.yaml --file pinned-images.yaml up --detach
`;

/** The one of the repository that the compose file names; any other is the same image elsewhere. */
function digestFor(name: string, digests: readonly string[]): string | undefined {
  return digests.find((digest) => repositoryOf(digest) === repositoryOf(name)) ?? digests[0];
}

/** `docker.io/library/nginx:1.25` and `nginx@sha256:…` are both of `nginx`. */
export function repositoryOf(name: string): string {
  const [untagged = ''] = name.split('@');
  return untagged.replace(/:[^/:]*$/, '').replace(/^(index\.)?docker\.io\/(library\/)?/, '');
}
