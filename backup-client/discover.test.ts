import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { formatProblem, Problems } from '#common/config/problems.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { findTaskKeys, loadServices } from './discover.ts';

const dump: Collector = {
  name: 'dump',
  taskKeys: ['mariadb', 'mysql'],
  phase: 'live',
  schema: {
    type: 'object',
    properties: { database: { type: 'string' }, port: { type: 'integer', default: 3306 } },
    required: ['database'],
    additionalProperties: false,
  },
  collect: async () => {},
};
const files: Collector = {
  name: 'files',
  taskKeys: ['files'],
  phase: 'quiesced',
  schema: { type: 'object', properties: { paths: { type: 'array' } }, additionalProperties: false },
  collect: async () => {},
};

/** Loads what lies in these files; the folder is left out of the messages. */
async function load(test: TestContext, tree: Readonly<Record<string, string>>) {
  const folder = await tempFolder(test);
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { mode: 0o600 });
  }
  return loadFrom(folder);
}

async function loadFrom(folder: string) {
  const problems = new Problems();
  const services = await loadServices(folder, [dump, files], problems);
  return {
    services,
    names: services.map(({ type, name }) => `${type}/${name}`),
    messages: problems.list.map((problem) => formatProblem(problem).replaceAll(folder, 'DIR')),
  };
}

const service = (name: string) => `service: { name: ${name} }\nfiles: { paths: [/srv] }\n`;

describe('a service is found', () => {
  const cases: readonly (readonly [what: string, path: string, name: string])[] = [
    ['in <type>/<service>', 'docker/shop/service.yaml', 'docker/shop'],
    ['under the other ending', 'other/pihole/service.yml', 'other/pihole'],
    ['one folder further down, of the uppermost type', 'docker/customers/shop/service.yaml', 'docker/shop'],
    ['in a folder of another name, which does not matter', 'docker/www/service.yaml', 'docker/shop'],
  ];
  for (const [what, path, name] of cases) {
    it(what, async (test) => {
      const { names, messages } = await load(test, { [path]: service(name.split('/')[1] ?? '') });
      assert.deepEqual(messages, []);
      assert.deepEqual(names, [name]);
    });
  }

  it('and others beside it, in the order of their paths', async (test) => {
    const { names } = await load(test, {
      'other/b/service.yml': service('b'),
      'docker/z/service.yaml': service('z'),
      'other/a/service.yaml': service('a'),
      'docker/a/service.yaml': service('a'),
    });
    assert.deepEqual(names, ['docker/a', 'docker/z', 'other/a', 'other/b']);
  });

  it('and what is no service.yaml is none of our business', async (test) => {
    const { names, messages } = await load(test, {
      'docker/shop/service.yaml': service('shop'),
      'docker/shop/service.yaml.bak': 'nonsense: [',
      'docker/shop/notes.yaml': 'nonsense: [',
      'client_config.yml': 'nonsense: [',
      'too/far/down/here/service.yaml': 'nonsense: [',
    });
    assert.deepEqual(messages, []);
    assert.deepEqual(names, ['docker/shop']);
  });

  it('and folders that are links are not followed, so that nothing is found twice', async (test) => {
    const folder = await tempFolder(test);
    await mkdir(join(folder, 'docker/shop'), { recursive: true });
    await writeFile(join(folder, 'docker/shop/service.yaml'), service('shop'), { mode: 0o600 });
    await symlink('docker', join(folder, 'again'));
    assert.deepEqual((await loadFrom(folder)).names, ['docker/shop']);
  });
});

it('its tasks know their collector, under any of its keys, and have the defaults of its schema', async (test) => {
  const text =
    'service: { name: shop, type: ignored }\nmysql: { database: a }\nmariadb: { database: b, port: 1 }\nfiles: {}\n';
  const { services } = await load(test, { 'docker/shop/service.yaml': text });
  assert.equal(services[0]?.type, 'docker');
  assert.deepEqual(
    services[0]?.tasks.map(({ key, collector, options }) => [key, collector.name, options]),
    [
      ['mysql', 'dump', { database: 'a', port: 3306 }],
      ['mariadb', 'dump', { database: 'b', port: 1 }],
      ['files', 'files', {}],
    ],
  );
});

describe('nothing to back up is a problem, not a success', () => {
  const message = 'DIR: holds no <type>/<service>/service.yaml, so there is nothing to back up; see configs/examples';

  it('with an empty folder', async (test) => assert.deepEqual((await load(test, {})).messages, [message]));

  it('with folders that hold none', async (test) =>
    assert.deepEqual((await load(test, { 'docker/shop/notes.txt': '' })).messages, [message]));

  it('with no folder at all', async (test) => {
    const folder = join(await tempFolder(test), 'missing');
    assert.deepEqual((await loadFrom(folder)).messages, [message]);
  });

  it('with a file in its place', async (test) => {
    const file = join(await tempFolder(test), 'file');
    await writeFile(file, '');
    assert.deepEqual((await loadFrom(file)).messages, [message]);
  });
});

describe('what is wrong is told with its place', () => {
  const cases: readonly (readonly [what: string, text: string, messages: readonly string[]])[] = [
    [
      'a task that is nearly known',
      'service: { name: shop }\nmysq: { database: a }\nfiles: {}\n',
      ['FILE:2:1: mysq: is no known key; did you mean "mysql"?'],
    ],
    [
      'a task that nobody answers to',
      'service: { name: shop }\nkeycloak: {}\nfiles: {}\n',
      ['FILE:2:1: keycloak: is no known key; known are service, mariadb, mysql, files'],
    ],
    [
      'a service without a task',
      'service: { name: shop }\n',
      ['FILE:1:1: must be a map with the key service and at least one task, such as files'],
    ],
    [
      'a service without its name',
      'service: {}\nfiles: {}\n',
      ['FILE:1:10: service: the key "name" is missing (Its name in the archive; unique within its type)'],
    ],
    [
      'a name that would lead elsewhere in the archive',
      'service: { name: ../shop }\nfiles: {}\n',
      [
        'FILE:1:18: service.name: must be a name of letters, digits, ".", "_" and "-" that does not begin with "." or "-"',
      ],
    ],
    [
      'options of a task',
      'service: { name: shop }\nmysql: { port: many }\n',
      ['FILE:2:16: mysql.port: must be a whole number, not "many"', 'FILE:2:8: mysql: the key "database" is missing'],
    ],
    [
      'a task without options',
      'service: { name: shop }\nfiles:\n',
      ['FILE:2:7: files: must be a map of keys, not null'],
    ],
  ];
  for (const [what, text, messages] of cases) {
    it(what, async (test) => {
      const loaded = await load(test, { 'docker/shop/service.yaml': text });
      assert.deepEqual(loaded.services, []);
      assert.deepEqual(
        loaded.messages.map((message) => message.replace('DIR/docker/shop/service.yaml', 'FILE')).sort(),
        messages,
      );
    });
  }

  it('a name twice within a type, whatever the folders are', async (test) => {
    const { messages } = await load(test, {
      'docker/a/service.yaml': service('shop'),
      'docker/b/service.yaml': service('shop'),
      'other/c/service.yaml': service('shop'),
    });
    assert.deepEqual(messages, [
      'DIR/docker/b/service.yaml:1:18: service.name: "shop" is the name in DIR/docker/a/service.yaml too',
    ]);
  });

  it('both spellings in one folder', async (test) => {
    const { messages } = await load(test, {
      'docker/shop/service.yaml': service('shop'),
      'docker/shop/service.yml': service('shop'),
    });
    assert.deepEqual(messages, ['DIR/docker/shop/service.yml: stands beside service.yaml; keep one of them']);
  });

  it('a service file above the folders of services, which would be left out in silence', async (test) => {
    const { messages } = await load(test, {
      'service.yaml': service('top'),
      'docker/service.yml': service('type'),
      'docker/shop/service.yaml': service('shop'),
    });
    assert.deepEqual(messages, [
      'DIR/service.yaml: is in no folder <type>/<service>; move it into one',
      'DIR/docker/service.yml: is in no folder <type>/<service>; move it into one',
    ]);
  });

  it('in one file does not keep the others from being looked at', async (test) => {
    const { names, messages } = await load(test, {
      'docker/a/service.yaml': 'service: [',
      'docker/b/service.yaml': service('b'),
      'docker/c/service.yaml': 'service: { name: c }\nfile: {}\n',
    });
    assert.deepEqual(names, ['docker/b']);
    assert.equal(messages.filter((message) => message.includes('/a/service.yaml')).length > 0, true);
    assert.equal(messages.filter((message) => message.includes('/c/service.yaml')).length, 1);
  });
});

it('the keys of all tasks are found, also beside mistakes', async (test) => {
  const folder = await tempFolder(test);
  const texts = { a: `${service('a')}immich: {}\n`, b: 'nextcloud: 3\nfiles: []\n', c: 'service: {{\n', d: '' };
  for (const [name, text] of Object.entries(texts)) {
    await mkdir(join(folder, 'docker', name), { recursive: true });
    await writeFile(join(folder, 'docker', name, 'service.yaml'), text);
  }
  assert.deepEqual([...(await findTaskKeys(folder))].sort(), ['files', 'immich', 'nextcloud']);
});

it('a stand-in takes the keys that nobody answers to, and other mistakes stay mistakes', async (test) => {
  const folder = await tempFolder(test);
  await mkdir(join(folder, 'docker/shop'), { recursive: true });
  const text = `${service('shop')}immich: { a: 1 }\nmysql: {}\n`;
  await writeFile(join(folder, 'docker/shop/service.yaml'), text, { mode: 0o600 });
  const standIn: Collector = { ...files, name: 'refused', taskKeys: [], schema: {} };
  const problems = new Problems();
  await loadServices(folder, [dump, files], problems, standIn);
  assert.deepEqual(
    problems.list.map(({ message }) => message),
    ['the key "database" is missing'],
  );
  await writeFile(join(folder, 'docker/shop/service.yaml'), text.replace('mysql: {}\n', ''), { mode: 0o600 });
  const [shop] = await loadServices(folder, [dump, files], new Problems(), standIn);
  assert.deepEqual(
    shop?.tasks.map(({ key, collector, options }) => [key, collector.name, options]),
    [
      ['files', 'files', { paths: ['/srv'] }],
      ['immich', 'refused', { a: 1 }],
    ],
  );
});
