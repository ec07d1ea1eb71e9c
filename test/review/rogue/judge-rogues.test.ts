// Which certificates should not be there: a row for each way to be one, and one for each way not to be.
import assert from 'node:assert/strict';
import { readPathCertificate, type PathCertificate } from '../../../src/domain/x509/path/certificate.ts';
import { adviceOn } from '../../../src/review/rogue/advice.ts';
import { Gathered, MAX_CERTIFICATES, MAX_LEAVES } from '../../../src/review/rogue/gathered.ts';
import { judgeRogues, type Rogue, type RogueReport } from '../../../src/review/rogue/judge-rogues.ts';
import type { SignatureOptions } from '../../../src/review/rogue/signatures.ts';
import type { Trust } from '../../../src/review/rogue/trust.ts';
import { good } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';

const tier = tiersAt(NOON_MS);
const parsed = ({ der }: Tier): PathCertificate => good(readPathCertificate(der));

describe('The finder of rogue CAs', () => {
  let corporate: Tier;
  let mesh: Tier;
  before(async () => {
    corporate = await tier('Corporate');
    mesh = await tier('Mesh', { by: corporate, pathLength: 0 });
  });

  async function judge(
    files: Readonly<Record<string, string>>,
    trust: Partial<Trust> = {},
    options: Partial<SignatureOptions> = {},
  ): Promise<RogueReport> {
    const gathered = new Gathered();
    const place = gathered.open({ kind: 'file', name: 'dir' });
    for (const [name, text] of Object.entries(files)) place.add({ name, bytes: Buffer.from(text) });
    place.end();
    return judgeRogues(
      gathered,
      { corporate: [parsed(corporate)], others: [], publicRoots: new Set(), ...trust },
      { nowMs: NOON_MS, signal: new AbortController().signal, ...options },
    );
  }
  function only({ rogues }: RogueReport): Rogue {
    assert.equal(rogues.length, 1, rogues.map(({ certificate }) => certificate.subject).join());
    return rogues[0]!;
  }

  it('finds nothing in what leads to the corporate anchors, in any order and in any file', async () => {
    const leaf = await tier('leaf', { by: mesh, ca: false, subject: 'CN=leaf' });
    const { rogues, looked } = await judge({ 'a.pem': leaf.pem, 'b.pem': corporate.pem, 'z.pem': mesh.pem });
    assert.deepEqual([rogues, looked], [[], 3]);
  });

  it('finds nothing in the anchor itself, renewed with its key', async () => {
    const renewed = await tier('Corporate', { keys: corporate.keys, endsInDays: 90 });
    assert.deepEqual((await judge({ 'a.pem': renewed.pem })).rogues, []);
  });

  it('finds a CA that signed itself, with its key and what it signed', async () => {
    const shadow = await tier('Shadow');
    const leaf = await tier('leaf', { by: shadow, ca: false, subject: 'CN=leaf' });
    const rogue = only(await judge({ 'ca-cert.pem': shadow.pem, 'ca-key.pem': shadow.keyPem, 'tls.crt': leaf.pem }));
    assert.equal(rogue.kind, 'self-signed-ca');
    assert.deepEqual(
      rogue.sightings.map(({ part, privateKey }) => [part, privateKey]),
      [['ca-cert.pem', 'ca-key.pem']],
    );
    assert.deepEqual([rogue.hasPrivateKey, rogue.leaves.count, rogue.leaves.sightings[0]?.part], [true, 1, 'tls.crt']);
    assert.match(adviceOn(rogue).why, /^it is a root of its own: /);
  });

  it('finds a CA below one that is not there, and says whose name it bears', async () => {
    const lost = await tier('Lost Root');
    const below = await tier('Below', { by: lost });
    const rogue = only(await judge({ 'a.pem': below.pem }));
    assert.equal(rogue.kind, 'foreign-ca');
    assert.deepEqual(rogue.signer, { subject: 'CN=Lost Root', found: 'nowhere' });
    assert.match(adviceOn(rogue).why, /^signed by CN=Lost Root, whose certificate was not found; /);
  });

  it('finds a CA that bears the name of a corporate anchor, and is another', async () => {
    const impostor = await tier('Corporate');
    const rogue = only(await judge({ 'a.pem': impostor.pem, 'root.pem': corporate.pem }));
    assert.equal(rogue.namesake, true);
    assert.match(adviceOn(rogue).why, /bears the name of a corporate anchor and has another key/);
  });

  it('finds a CA that a corporate one signed beyond its path length, and no leaf of that one', async () => {
    const hidden = await tier('Hidden', { by: mesh });
    const leaf = await tier('leaf', { by: hidden, ca: false, subject: 'CN=leaf' });
    const rogue = only(await judge({ 'chain.pem': leaf.pem + hidden.pem + mesh.pem }));
    assert.deepEqual([rogue.kind, rogue.certificate.subject, rogue.leaves.count], ['path-length', 'CN=Hidden', 1]);
  });

  it('finds what a leaf signed, for a leaf is no CA', async () => {
    const leaf = await tier('leaf', { by: mesh, ca: false, subject: 'CN=leaf' });
    const forged = await tier('forged', { by: leaf, ca: false, subject: 'CN=forged' });
    const rogue = only(await judge({ 'a.pem': forged.pem + leaf.pem + mesh.pem }));
    assert.deepEqual(rogue.signer, { subject: 'CN=leaf', found: 'no CA' });
    assert.equal(rogue.kind, 'foreign-leaves');
  });

  it('finds a leaf that signed itself', async () => {
    const alone = await tier('alone', { ca: false, subject: 'CN=alone' });
    assert.equal(only(await judge({ 'tls.crt': alone.pem, 'tls.key': alone.keyPem })).kind, 'self-signed-leaf');
  });

  it('counts leaves of a CA that is nowhere as one', async () => {
    const lost = await tier('Lost');
    const leaves = await Promise.all(
      [1, 2, 3].map(async (n) => tier('leaf', { by: lost, ca: false, subject: `CN=${n}` })),
    );
    const rogue = only(await judge({ 'a.pem': leaves.map(({ pem }) => pem).join('') }));
    assert.deepEqual([rogue.kind, rogue.leaves.count], ['foreign-leaves', 3]);
  });

  it('warns only of what has expired', async () => {
    const old = await tier('Old', { startsInDays: -9, endsInDays: -1 });
    const rogue = only(await judge({ 'a.pem': old.pem }));
    assert.deepEqual([rogue.expired, adviceOn(rogue).bringHome], [true, 'remove it']);
  });

  it('leaves out CAs that are known, and what they signed', async () => {
    const cluster = await tier('kubernetes');
    const leaf = await tier('apiserver', { by: cluster, ca: false, subject: 'CN=kube-apiserver' });
    const others = [{ certificate: parsed(cluster), as: 'cluster' }] as const;
    const { rogues, known } = await judge({ 'ca.crt': cluster.pem, 'apiserver.crt': leaf.pem }, { others });
    assert.deepEqual(rogues, []);
    assert.deepEqual(
      known.map(({ found, as }) => [found.certificate.subject, as]),
      [
        ['CN=kubernetes', 'cluster'],
        ['CN=kube-apiserver', 'cluster'],
      ],
    );
  });

  it('leaves out roots of the public web, but not what they signed', async () => {
    const web = await tier('Public Web');
    const leaf = await tier('www', { by: web, ca: false, subject: 'CN=www' });
    const publicRoots = new Set([parsed(web).sha256]);
    const rogue = only(await judge({ 'bundle.pem': web.pem, 'www.pem': leaf.pem }, { publicRoots }));
    assert.deepEqual([rogue.kind, rogue.signer?.found], ['foreign-leaves', 'public root']);
  });

  it('says once what lies in many places, and counts them', async () => {
    const shadow = await tier('Shadow');
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}.pem`, shadow.pem]));
    const rogue = only(await judge(files));
    assert.deepEqual([rogue.sightings.length, rogue.sightingCount], [20, 50]);
  });

  it('finds a CA behind as many leaves as anybody has, and says which were left out', async () => {
    const leaf = await tier('leaf', { by: mesh, ca: false, subject: 'CN=leaf' });
    const rogue = await tier('Some Root');
    const gathered = new Gathered();
    const sighting = { place: { kind: 'secret', name: 'Secret shop/many' }, part: 'tls.crt' } as const;
    for (let index = 0; index <= MAX_LEAVES; index += 1) {
      const other = Buffer.from(leaf.der);
      other.writeUInt32BE(index, other.length - 4);
      gathered.add(other, sighting);
    }
    gathered.add(rogue.der, sighting);
    assert.equal(gathered.certificates.at(-1)?.certificate.subject, 'CN=Some Root');
    assert.deepEqual(
      gathered.notRead.map(({ why, count }) => [why, count]),
      [['has a leaf that was left out: there are more than 15,000 different ones', 1]],
    );
  });

  it('finds what lies in another namespace than as many CAs as anybody has, before and after them', async () => {
    const [flood, before, after, leaf] = [
      await tier('Flood'),
      await tier('Before'),
      await tier('After'),
      await tier('leaf', { by: mesh, ca: false, subject: 'CN=leaf' }),
    ];
    const gathered = new Gathered();
    const lyingIn = (namespace: string) =>
      ({ place: { kind: 'config-map', name: `ConfigMap ${namespace}/roots` }, part: 'ca.pem' }) as const;
    gathered.add(before.der, lyingIn('shop'));
    // A copy of what is another's is not left out with one's own.
    gathered.add(after.der, lyingIn('aaa'));
    for (let index = 0; index < MAX_CERTIFICATES; index += 1) {
      const other = Buffer.from(flood.der);
      other.writeUInt32BE(index, other.length - 4);
      gathered.add(other, lyingIn('aaa'));
    }
    gathered.add(after.der, lyingIn('bank'));
    gathered.add(leaf.der, lyingIn('bank'));
    const counts = Map.groupBy(gathered.certificates, ({ certificate }) => certificate.subject);
    const found = ['CN=Before', 'CN=After', 'CN=leaf'].map(
      (name) => counts.get(name)?.[0]?.sightings.at(-1)?.place.name,
    );
    assert.deepEqual(found, ['ConfigMap shop/roots', 'ConfigMap bank/roots', 'ConfigMap bank/roots']);
    assert.equal(gathered.certificates.length, MAX_CERTIFICATES);
    assert.equal(gathered.leftOut, 3);
  });

  it('says a place of each namespace where one certificate lies very often in one of them', async () => {
    const shadow = await tier('Shadow');
    const gathered = new Gathered();
    const sightings = [...Array.from({ length: 40 }, (_, n) => `ConfigMap aaa/${n}`), 'ConfigMap zzz/roots'];
    for (const name of sightings) gathered.add(shadow.der, { place: { kind: 'config-map', name }, part: 'ca.pem' });
    const [found] = gathered.certificates;
    assert.deepEqual([found?.sightings.length, found?.sightingCount], [20, 41]);
    assert.ok(found?.sightings.some(({ place }) => place.name === 'ConfigMap zzz/roots'));
  });

  describe('among very many CAs of one name', () => {
    it('asks once of all that share a key', async () => {
      const keys = (await tier('first')).keys;
      const namesakes = await Promise.all(
        Array.from({ length: 300 }, async () => tier('ca', { keys, keyId: false, authorityKeyId: false })),
      );
      const files = Object.fromEntries(namesakes.map(({ pem }, n) => [`${n}.pem`, pem]));
      const { rogues, notRead } = await judge(files, {}, { maxChecked: 300 });
      assert.deepEqual([rogues.length, notRead], [300, []]);
    });

    it('says of whom it could not try every key', async () => {
      const leaf = await leafAmong(30);
      const { rogues, notRead } = await judge(leaf, {}, { maxChecked: 40 });
      assert.equal(rogues.filter(({ kind }) => kind === 'self-signed-ca').length, 30);
      const { signer } = rogues.find(({ kind }) => kind === 'foreign-leaves')!;
      assert.deepEqual(signer, { subject: 'CN=ca', found: 'unchecked' });
      assert.match(notRead[0]!.why, /^has a certificate for which too many CAs bear its signer’s name/);
      assert.deepEqual([notRead[0]!.count, notRead[0]!.examples], [1, ['dir/leaf.pem']]);
    });

    it('takes nothing for the corporate CA’s that it did not try, and finds it in the end', async () => {
      const below = await tier('Below', { by: corporate });
      const { rogues, notRead } = await judge({ 'a.pem': below.pem }, {}, { maxChecked: 0 });
      assert.deepEqual(
        [rogues.map(({ certificate }) => certificate.subject), notRead.map(({ count }) => count)],
        [['CN=Below'], [1]],
      );
      assert.deepEqual((await judge({ 'a.pem': below.pem })).rogues, []);
    });

    it('ends when it is interrupted', async () => {
      const interrupt = new AbortController();
      const options = { signal: interrupt.signal, progress: () => interrupt.abort(new Error('interrupted')) };
      await assert.rejects(judge(await leafAmong(200), {}, options), /interrupted/);
    });

    async function leafAmong(count: number): Promise<Record<string, string>> {
      const none = { keyId: false, authorityKeyId: false };
      const cas = await Promise.all(Array.from({ length: count }, async () => tier('ca', none)));
      const leaf = await tier('leaf', { by: await tier('ca', none), ca: false, subject: 'CN=leaf', ...none });
      return { 'leaf.pem': leaf.pem, ...Object.fromEntries(cas.map(({ pem }, n) => [`${n}.pem`, pem])) };
    }
  });
});

describe('A private key', () => {
  for (const [title, files, expected] of [
    ['is of the certificate of its name', ['tls.crt', 'ca.crt'], { 'tls.crt': 'tls.key' }],
    ['is of the only certificate, whatever it is called', ['server.pem'], { 'server.pem': 'tls.key' }],
    [
      'is of the CA in what Istio calls a plug-in CA',
      ['ca-cert.pem', 'root-cert.pem'],
      { 'ca-cert.pem': 'ca-key.pem' },
    ],
  ] as const) {
    it(title, async () => {
      const key = Object.values(expected)[0]!;
      const gathered = new Gathered();
      const place = gathered.open({ kind: 'secret', name: 'Secret a/b' });
      const made = await Promise.all(files.map(async (file) => tier(file)));
      for (const [index, { pem }] of made.entries()) place.add({ name: files[index]!, bytes: Buffer.from(pem) });
      place.add({ name: key, bytes: Buffer.from(made[0]!.keyPem) });
      place.end();
      const found = gathered.certificates.flatMap(({ sightings }) => sightings).filter(({ privateKey }) => privateKey);
      assert.deepEqual(Object.fromEntries(found.map(({ part, privateKey }) => [part, privateKey])), expected);
    });
  }
});
