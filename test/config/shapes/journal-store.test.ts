import assert from 'node:assert/strict';
import { readJournalStore, storeName } from '../../../src/config/shapes/journal-store.ts';

const at = (host: string, port = 5432): object => ({ host, port });

/** What is written, what it names, and how it is said again. */
const STORES: readonly (readonly [text: string, store: object, name?: string])[] = [
  [
    'sqlite:/var/lib/capstan/journal.db',
    { kind: 'sqlite', file: '/var/lib/capstan/journal.db' },
    '/var/lib/capstan/journal.db',
  ],
  ['journal.db', { kind: 'sqlite', file: 'journal.db' }],
  [
    'postgres://capstan@db.example.test/capstan',
    { kind: 'postgres', user: 'capstan', hosts: [at('db.example.test')], database: 'capstan' },
    'postgres://capstan@db.example.test:5432/capstan',
  ],
  [
    'postgresql://a%40b@10.0.0.1:5433,[::1]:6000,%2Frun%2Fpostgresql/my%20db',
    {
      kind: 'postgres',
      user: 'a@b',
      hosts: [at('10.0.0.1', 5433), at('::1', 6000), at('/run/postgresql')],
      database: 'my db',
    },
    'postgres://a%40b@10.0.0.1:5433,[::1]:6000,%2Frun%2Fpostgresql:5432/my%20db',
  ],
];

const REFUSED: readonly (readonly [text: string, problem: RegExp])[] = [
  ['postgres://capstan:s3cret@db/capstan', /^must not carry a password: put it in journal.postgres.passwordFile$/],
  ['postgres://db/capstan', /^must be postgres:\/\/user@host/],
  ['postgres://capstan@db/capstan?sslmode=disable', /without parameters$/],
  ['postgres://capstan@db:0/capstan', /^has a host that is not host or host:port/],
  ['postgres://capstan@db,,other/capstan', /^has a host that is not host or host:port/],
  [`postgres://capstan@${Array.from({ length: 9 }, () => 'db').join(',')}/capstan`, /^must name at most 8 hosts$/],
  ['postgres://@db/capstan', /^must name a user and a database$/],
  ['postgress://capstan@db/capstan', /^must be sqlite: and a file path, or postgres:/],
  [' postgres://capstan:s3cret@db/capstan', /^must be sqlite: and a file path, or postgres:/],
  ['sqlite:postgres://capstan:s3cret@db/capstan', /^must be sqlite: and a file path, or postgres:/],
  ['sqlite:', /^must name a file/],
  ['', /^must name a file/],
];

describe('The name of a journal', () => {
  for (const [text, store, name = text] of STORES) {
    it(`may be ${text}`, () => {
      const read = readJournalStore(text);
      assert.deepEqual(read, store);
      assert.ok(!('problem' in read));
      assert.equal(storeName(read), name);
    });
  }

  for (const [text, problem] of REFUSED) {
    it(`is not ${JSON.stringify(text)}, and a password in it is not repeated`, () => {
      const read = readJournalStore(text);
      assert.ok('problem' in read);
      assert.match(read.problem, problem);
      assert.doesNotMatch(read.problem, /s3cret/);
    });
  }
});
