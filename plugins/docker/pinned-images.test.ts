import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from './containers.ts';
import { parseImages, pinImages, repositoryOf } from './pinned-images.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const container = (service: string, name: string, id: string) => ({ service, image: { id, name } }) as Container;

test('a service gets the digest of the repository that it names, else one of the same image elsewhere', () => {
  const containers = [
    container('web', 'docker.io/library/nginx:1.25', '1'),
    container('web', 'docker.io/library/nginx:1.25', '1'),
    container('app', 'registry.local:5000/shop/app', '2'),
    container('own', 'shop-own', '3'),
  ];
  const images = parseImages(
    JSON.stringify([
      { Id: '1', RepoDigests: [`mirror/nginx@${digest('a')}`, `nginx@${digest('b')}`] },
      { Id: '2', RepoDigests: [`shop/app@${digest('c')}`] },
      { Id: '3', RepoDigests: null },
    ]),
  );
  assert.deepEqual(pinImages(containers, images), {
    file: `# The images that were in use when this was saved. To start with exactly these, name this file after the others:
#   docker compose --file compose.yaml --file pinned-images.yaml up --detach
services:
  "app":
    image: "shop/app@${digest('c')}" # registry.local:5000/shop/app
  "web":
    image: "nginx@${digest('b')}" # docker.io/library/nginx:1.25
`,
    unknown: ['shop-own'],
  });
});

test('without any digest there is no file', () => {
  const images = parseImages(JSON.stringify([{ Id: '1', RepoDigests: [] }]));
  assert.deepEqual(pinImages([container('own', 'own:1', '1')], images), { file: undefined, unknown: ['own:1'] });
  assert.deepEqual(pinImages([], []), { file: undefined, unknown: [] });
});

test('the repository is the name without tag, digest and what docker adds itself', () => {
  const table: readonly (readonly [name: string, repository: string])[] = [
    ['nginx', 'nginx'],
    ['nginx:1.25-alpine', 'nginx'],
    ['docker.io/library/nginx:1', 'nginx'],
    ['docker.io/grafana/grafana', 'grafana/grafana'],
    ['localhost:5000/a/b', 'localhost:5000/a/b'],
    ['localhost:5000/a/b:2', 'localhost:5000/a/b'],
    [`ghcr.io/a/b:2@${digest('a')}`, 'ghcr.io/a/b'],
  ];
  for (const [name, repository] of table) assert.equal(repositoryOf(name), repository);
});
