import assert from 'node:assert/strict';
import { verifyBundle, type PolicyBundleTexts } from '../../../../src/adapters/policy/bundle/verify-bundle.ts';
import { pinKeys } from '../../../../src/adapters/policy/bundle/pinned-keys.ts';
import { formatPosition } from '../../../../src/domain/text/position.ts';
import { bundleDocument, BundleSigner } from '../../../support/policy/signed-bundle.ts';
import { bundleText, HOLDERS, signatureText, type HolderName } from './holders.ts';

const BUNDLE = bundleText();
const ids = (...names: readonly HolderName[]): string[] => names.map((name) => HOLDERS[name].key.keyId).sort();

function pinned(threshold: number, names: readonly HolderName[] = ['ada', 'bob']) {
  return pinKeys(new Map(names.map((name) => [`${name}.pub`, HOLDERS[name].publicPem])), threshold);
}

function texts(bundle: string, signature?: string): PolicyBundleTexts {
  const places = { place: 'bundle.yaml', signaturePlace: 'bundle.yaml.sig' };
  return { ...places, bundle, ...(signature !== undefined && { signature }) };
}

function open(bundle: string, signature: string | undefined, threshold = 1) {
  const opening = verifyBundle(texts(bundle, signature), pinned(threshold));
  return 'problems' in opening
    ? {
        signedBy: [],
        problems: opening.problems.map(({ position, path, problem }) =>
          `${formatPosition(position)} ${path} ${problem}`.replace(/ {2}/, ' '),
        ),
      }
    : { signedBy: opening.signedBy, problems: [] };
}

/** The signature file as data that a test may spoil. */
function spoiled(spoil: (file: SignatureData) => void, by: readonly HolderName[] = ['ada', 'bob']): string {
  const file = JSON.parse(signatureText(BUNDLE, by)) as SignatureData;
  spoil(file);
  return JSON.stringify(file);
}

interface SignatureData {
  apiVersion: string;
  kind: string;
  digest: string;
  signatures: { keyId: string; algorithm: string; signature: string; [more: string]: string }[];
  [more: string]: unknown;
}

describe('A signed policy bundle', () => {
  it('is believed when enough of the pinned keys have signed it', () => {
    assert.deepEqual(open(BUNDLE, signatureText(BUNDLE, ['ada'])), { signedBy: ids('ada'), problems: [] });
    assert.deepEqual(open(BUNDLE, signatureText(BUNDLE, ['bob', 'ada']), 2), {
      signedBy: ids('ada', 'bob'),
      problems: [],
    });
  });

  it('is verified from the description of the format alone', () => {
    const signer = new BundleSigner();
    const document = bundleDocument([{}], { sequence: 7 });
    const trust = pinKeys(new Map([['signer.pub', signer.publicKeyPem]]), 1);
    const opening = verifyBundle(texts(JSON.stringify(document), signer.sign(document)), trust);
    assert.ok('bundle' in opening, JSON.stringify(opening));
    assert.equal(opening.bundle.sequence, 7);
  });

  it('keeps its signatures when it is laid out anew', () => {
    const reordered =
      BUNDLE.replace('apiVersion: capstan.dev/v1alpha1\n', '') + 'apiVersion: "capstan.dev/v1alpha1" # same\n';
    assert.deepEqual(open(reordered, signatureText(BUNDLE)).problems, []);
  });

  it('loses them with any change of its content', () => {
    const { problems } = open(bundleText({ contact: 'mallory@corp.example' }), signatureText(BUNDLE));
    assert.match(
      problems.join(),
      /^bundle\.yaml\.sig:1:1 digest is of another bundle than this one, which has sha256:/,
    );
  });

  it('loses them also when the digest in the signature file is changed with it', () => {
    const changed = bundleText({ contact: 'mallory@corp.example' });
    const { digest } = JSON.parse(signatureText(changed)) as SignatureData;
    const { problems } = open(
      changed,
      spoiled((file) => (file.digest = digest), ['ada']),
    );
    assert.match(problems[0] ?? '', /signatures\.0\.signature of ada\.pub \(sha256:\w{64}\) does not verify$/);
  });

  it('is refused when too few have signed; who is missing is named, and who was ignored', () => {
    const { problems } = open(BUNDLE, signatureText(BUNDLE, ['ada', 'eve']), 2);
    assert.deepEqual(problems, [
      'bundle.yaml.sig:1:1 signatures 2 of 2 pinned keys must sign, 1 did; ' +
        `missing: bob.pub (${HOLDERS.bob.key.keyId}); ignored, because not pinned: ${HOLDERS.eve.key.keyId}`,
    ]);
  });

  it('does not mind signatures by strangers beside enough good ones', () => {
    assert.deepEqual(open(BUNDLE, signatureText(BUNDLE, ['ada', 'eve'])), { signedBy: ids('ada'), problems: [] });
  });

  it('is refused for one bad signature of a pinned key, however many good ones there are', () => {
    const forged = signatureText(bundleText({ sequence: 41 }), ['bob']);
    const [stolen] = (JSON.parse(forged) as SignatureData).signatures;
    const signature = spoiled((file) => {
      file.signatures = file.signatures.map((one) => (one.keyId === stolen?.keyId ? stolen : one));
    });
    const { problems } = open(BUNDLE, signature, 1);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /of bob\.pub \(sha256:\w{64}\) does not verify$/);
  });

  it('is refused without a signature file', () => {
    assert.deepEqual(open(BUNDLE, undefined).problems, [
      'bundle.yaml.sig:1:1 does not exist: the bundle is not signed',
    ]);
  });

  it('is the one document of its file', () => {
    const two = `${BUNDLE}---\n${bundleText({ sequence: 43 })}`;
    assert.deepEqual(open(two, signatureText(BUNDLE)).problems, [
      'bundle.yaml:16:1 is not one PolicyBundle and nothing else',
    ]);
  });

  it('is refused with every problem of its text', () => {
    const { problems } = open(BUNDLE.replace('team:', 'teem:'), signatureText(BUNDLE));
    assert.ok(
      problems.some((problem) => problem.startsWith('bundle.yaml:6:')),
      problems.join('\n'),
    );
  });

  it('may go unsigned where nobody asks for signatures', () => {
    const opening = verifyBundle(texts(BUNDLE), 'unsigned');
    assert.ok('bundle' in opening);
    assert.deepEqual(opening.signedBy, []);
  });
});

describe('A signature file', () => {
  const BAD: readonly (readonly [what: string, problem: RegExp, spoil: (file: SignatureData) => void])[] = [
    ['of another kind', /kind .*PolicyBundleSignature/, (file) => (file.kind = 'PolicyBundle')],
    ['of another version', /apiVersion /, (file) => (file.apiVersion = 'capstan.dev/v2')],
    ['with an unknown field', /Unrecognized key: "expires"/, (file) => (file['expires'] = 'never')],
    [
      'with an unknown field in a signature',
      /Unrecognized key: "role"/,
      (file) => (file.signatures[0]!['role'] = 'root'),
    ],
    ['without a signature', /signatures must hold one signature/, (file) => (file.signatures = [])],
    [
      'with too many',
      /must hold at most 32/,
      (file) => (file.signatures = Array(33).fill(file.signatures[0]) as never),
    ],
    ['with a digest that is none', /digest must be sha256:/, (file) => (file.digest = file.digest.toUpperCase())],
    ['with an unknown algorithm', /algorithm Invalid option/, (file) => (file.signatures[0]!.algorithm = 'none')],
    ['with keys out of order', /keyId sha256:\w{64} must stand before/, (file) => file.signatures.reverse()],
    [
      'with a key twice',
      /sha256:\w{64} has signed already/,
      (file) => file.signatures.splice(1, 0, file.signatures[0]!),
    ],
    [
      'with unpadded base64',
      /is not base64 in its one spelling/,
      (file) => (file.signatures[0]!.signature = file.signatures[0]!.signature.replace(/=+$/, '') + '-'),
    ],
    ['with an empty signature', /is not base64 in its one spelling/, (file) => (file.signatures[0]!.signature = '')],
    [
      'with base64 that has spare bits set',
      /is not base64 in its one spelling/,
      (file) => (file.signatures[0]!.signature = spareBits(HOLDERS.ada.key.keyId, file)),
    ],
  ];
  for (const [what, problem, spoil] of BAD) {
    it(`${what} is refused`, () => {
      const { problems } = open(BUNDLE, spoiled(spoil));
      assert.match(problems.join('\n'), problem);
      for (const each of problems) assert.match(each, /^bundle\.yaml\.sig:1:1 /);
    });
  }

  it('whose algorithm is not that of the pinned key is refused', () => {
    const wrong = spoiled((file) => (file.signatures[0]!.algorithm = 'ECDSA-P256-SHA256'), ['ada']);
    assert.match(
      open(BUNDLE, wrong).problems.join(),
      /of ada\.pub .* is ECDSA-P256-SHA256, but the key is for Ed25519/,
    );
  });

  it('with a member twice is refused, because readers differ in which of them they take', () => {
    const twice = signatureText(BUNDLE).replace('"kind"', '"kind": "PolicyBundleSignature", "kind"');
    assert.match(open(BUNDLE, twice).problems.join(), /has a member twice/);
  });

  it('may be indented as one likes', () => {
    const bare = JSON.stringify(JSON.parse(signatureText(BUNDLE)));
    assert.deepEqual(open(BUNDLE, bare).problems, []);
    assert.deepEqual(open(BUNDLE, JSON.stringify(JSON.parse(bare), undefined, '\t')).problems, []);
  });

  for (const [what, text] of [
    ['empty', ''],
    ['binary', '\0\u0001\u0002'],
    ['torn', signatureText(BUNDLE).slice(0, 100)],
    ['a private key, by mistake', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n'],
  ] as const) {
    it(`that is ${what} is not JSON, and is not quoted`, () => {
      assert.deepEqual(open(BUNDLE, text).problems, ['bundle.yaml.sig:1:1 is not JSON']);
    });
  }

  it('that is large or deep is refused at once', () => {
    assert.match(open(BUNDLE, ' '.repeat(50_000_000)).problems.join(), /is larger than 65536 characters/);
    assert.match(open(BUNDLE, '['.repeat(30_000) + ']'.repeat(30_000)).problems.join(), /expected object/);
  });
});

describe('Pinned keys', () => {
  it('are told apart: one key in two files would count twice', () => {
    const files = new Map([
      ['a.pub', HOLDERS.ada.publicPem],
      ['b.pub', `\n${HOLDERS.ada.publicPem}\n`],
    ]);
    assert.throws(() => pinKeys(files, 2), /b\.pub:1:1 holds the key of a\.pub: pinned twice it would count once/);
  });

  it('are at least as many as must sign, and one must', () => {
    assert.throws(() => pinned(3), /the policy bundle needs 3 signatures, and 2 keys are pinned/);
    assert.throws(() => pinned(0), /needs 0 signatures/);
  });

  it('are named when they are no keys', () => {
    assert.throws(() => pinKeys(new Map([['a.pub', 'none']]), 1), {
      reason: 'CAP-X03',
      message: /a\.pub:1:1 does not start with -----BEGIN PUBLIC KEY-----/,
    });
  });
});

/** An Ed25519 signature ends in two characters and `==`: the last of them has four bits that say nothing. */
function spareBits(keyId: string, { signatures }: SignatureData): string {
  const { signature = '' } = signatures.find((one) => one.keyId === keyId) ?? {};
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = alphabet[alphabet.indexOf(signature.at(-3) ?? '') + 1] ?? '';
  return `${signature.slice(0, -3)}${last}==`;
}
