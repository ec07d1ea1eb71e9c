// What a session takes of a token, and what it says of the rest; SoftHSM says it of itself in test/peers/pkcs11.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { listKeys } from '../../../../src/adapters/issuers/pkcs11/key-objects.ts';
import { KeyFailure, type FailureKind } from '../../../../src/live/key-failure.ts';
import { TokenSession } from '../../../../src/adapters/issuers/pkcs11/session.ts';
import {
  ALWAYS_AUTHENTICATE,
  ATTRIBUTE,
  EC,
  FakeModule,
  type FakeObject,
} from '../../../support/fakes/keys/fake-module.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = publicKey.export({ format: 'jwk' });
const [MODULUS, EXPONENT] = [0x120, 0x122];
const [PUBLIC, PRIVATE] = [2, 3];
const REFERENCE = { module: '/usr/lib/hsm.so', tokenLabel: 'mesh', keyLabel: 'issuer' };
const TBS = Uint8Array.of(0x30, 1, 2, 3);

const bytes = (text = ''): Buffer => Buffer.from(text, 'base64url');
function object(kind: number, id: string, ...attributes: readonly (readonly [number, Buffer])[]): FakeObject {
  return new Map([[ATTRIBUTE.class, Buffer.from([kind])], [ATTRIBUTE.id, Buffer.from(id, 'hex')], ...attributes]);
}
function rsaObject(...more: readonly (readonly [number, Buffer])[]): FakeObject {
  return object(
    PRIVATE,
    '01',
    [ATTRIBUTE.label, Buffer.from('issuer')],
    [ATTRIBUTE.keyType, Buffer.from([0])],
    [MODULUS, bytes(jwk.n)],
    [EXPONENT, bytes(jwk.e)],
    ...more,
  );
}

describe('A session with a token', () => {
  let module: FakeModule;
  beforeEach(() => {
    module = new FakeModule(privateKey);
    module.objects = [rsaObject()];
  });

  const open = (reference: object = {}, more: object = {}): TokenSession =>
    TokenSession.open({ reference: { ...REFERENCE, ...reference }, pin: '1234', ...more }, module.load);
  const failsAs = (kind: FailureKind, words: RegExp) => (error: unknown) =>
    error instanceof KeyFailure && error.kind === kind && words.test(error.message);

  it('signs with the key that is named, by label, id or both', () => {
    for (const reference of [{}, { keyId: '01' }, { keyLabel: undefined, keyId: '01' }]) {
      const session = open(reference);
      const key = createPublicKey({ key: Buffer.from(session.opened.spki), format: 'der', type: 'spki' });
      assert.ok(key.equals(publicKey));
      assert.ok(verify('sha256', TBS, key, session.sign('rsa-sha256', TBS)));
    }
  });

  it('refuses a signature that is not of its key, at the login and at each one later', () => {
    const session = open();
    module.signsWrongly = true;
    assert.throws(() => session.sign('rsa-sha256', TBS), failsAs('away', /signature that is not of its key/));
    assert.throws(() => open(), failsAs('away', /signature that is not of its key/));
  });

  for (const [what, flags, words] of [
    ['is locked', 0x40000, /^is locked: its PIN was wrong too often$/],
    ['takes one more PIN', 0x20000, /^takes one more PIN before it locks: log in once by hand/],
  ] as const) {
    it(`does not try its PIN at a token that ${what}`, () => {
      module.flags = flags;
      assert.throws(() => open(), failsAs('refused', words));
      assert.equal(module.logins, 0);
    });
  }

  it('tries its PIN once, and knows what a token says of it from what else goes wrong', () => {
    for (const code of [0xa0, 0xa1, 0xa2, 0xa3, 0xa4]) {
      module.loginFails = code;
      assert.throws(() => open(), failsAs('refused', /^does not take the PIN \(CKR_PIN_INCORRECT at C_Login\)/));
    }
    assert.equal(module.logins, 5);
    module.loginFails = 0x30;
    assert.throws(() => open(), failsAs('away', / at C_Login$/));
    module.loginFails = 0x100;
    assert.ok(open().opened.spki.length > 0, 'another session of this process is logged in');
  });

  it('waits for a token that is not there, and takes none of two', () => {
    assert.throws(
      () => open({ tokenLabel: 'elsewhere' }),
      failsAs('away', /has not a token called "elsewhere", only "mesh"/),
    );
    assert.throws(() => open({ tokenLabel: undefined, slot: 7 }), failsAs('away', /has not slot 7/));
    assert.ok(open({ tokenLabel: undefined, slot: 0 }));
    module.tokens = 2;
    assert.throws(() => open(), failsAs('configuration', /has 2 tokens called "mesh": name a slot/));
  });

  for (const [what, objects, words] of [
    ['is not there', [], /^has no private key with label "issuer" that this PIN opens$/],
    ['is there twice', [rsaObject(), rsaObject()], /^has 2 private keys with label "issuer": name one by its id$/],
    ['may not sign', [rsaObject([ATTRIBUTE.sign, Buffer.from([0])])], /not for signing/],
    ['wants its PIN each time', [rsaObject([ALWAYS_AUTHENTICATE, Buffer.from([1])])], /CKA_ALWAYS_AUTHENTICATE/],
  ] as const) {
    it(`is not opened for a key that ${what}`, () => {
      module.objects = objects;
      assert.throws(() => open(), failsAs('configuration', words));
    });
  }

  it('takes, of several keys under one label, the one that the certificate is for', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    const next = object(
      PRIVATE,
      '02',
      [ATTRIBUTE.label, Buffer.from('issuer')],
      [ATTRIBUTE.keyType, Buffer.from([0])],
      [MODULUS, bytes(other.n)],
      [EXPONENT, bytes(other.e)],
    );
    module.objects = [next, rsaObject()];
    const certified = publicKey.export({ format: 'der', type: 'spki' });
    assert.deepEqual(Buffer.from(open({}, { certified }).opened.spki), certified);
    const words = /^has 2 private keys with label "issuer": none of them for the certificate$/;
    assert.throws(() => open({}, { certified: Uint8Array.of(1) }), failsAs('configuration', words));
  });

  it('warns of a key that the token gives away', () => {
    module.objects = [rsaObject([ATTRIBUTE.extractable, Buffer.from([1])])];
    assert.equal(open().opened.warning, 'is in a token that gives it away (CKA_EXTRACTABLE)');
    module.objects = [rsaObject([ATTRIBUTE.extractable, Buffer.from([0])])];
    assert.equal(open().opened.warning, undefined);
  });

  it('reads the public half of an EC key with and without the wrapping that modules leave out', () => {
    for (const namedCurve of ['P-256', 'P-384']) {
      const pair = generateKeyPairSync('ec', { namedCurve });
      const { x, y } = pair.publicKey.export({ format: 'jwk' });
      const point = Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)]);
      const params = Buffer.from(namedCurve === 'P-256' ? '06082a8648ce3d030107' : '06052b81040022', 'hex');
      for (const value of [point, Buffer.concat([Buffer.from([4, point.length]), point])]) {
        const own = object(PRIVATE, '07', [ATTRIBUTE.keyType, Buffer.from([3])]);
        module.objects = [own, object(PUBLIC, '07', [EC.params, params], [EC.point, value])];
        const [listed] = listKeys({ pkcs11: module.load(), session: Buffer.alloc(8) });
        const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
        assert.deepEqual(Buffer.from(listed?.spki ?? []), spki);
      }
    }
  });

  it('lists every private key, with what lies beside it', () => {
    const bare = object(PRIVATE, '09', [ATTRIBUTE.label, Buffer.from('bare')], [ATTRIBUTE.keyType, Buffer.from([3])]);
    module.objects = [rsaObject(), bare];
    const keys = open().list();
    assert.deepEqual(
      keys.map(({ label, id, hasCertificate, spki }) => ({ label, id, hasCertificate, known: spki !== undefined })),
      [
        { label: 'issuer', id: '01', hasCertificate: false, known: true },
        { label: 'bare', id: '09', hasCertificate: false, known: false },
      ],
    );
  });

  describe('asked to delete a key', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const spki = other.export({ format: 'der', type: 'spki' });
    const { n, e } = other.export({ format: 'jwk' });
    const left = object(
      PRIVATE,
      '02',
      [ATTRIBUTE.keyType, Buffer.from([0])],
      [MODULUS, bytes(n)],
      [EXPONENT, bytes(e)],
    );

    it('deletes it with its public half, and nothing else', () => {
      const stays = [rsaObject(), object(PUBLIC, '01')];
      module.objects = [...stays, left, object(PUBLIC, '02')];
      open().remove(spki);
      assert.deepEqual(module.left, stays);
    });

    it('leaves the public half where another private key has the same id', () => {
      const half = object(PUBLIC, '02');
      const twin = object(PRIVATE, '02', [ATTRIBUTE.keyType, Buffer.from([3])]);
      module.objects = [rsaObject(), left, half, twin];
      open().remove(spki);
      assert.deepEqual(module.left, [module.objects[0], half, twin]);
    });

    it('deletes neither the one that signs, nor one that is not there, nor what the token keeps', () => {
      const session = open();
      assert.throws(() => session.remove(session.opened.spki), failsAs('configuration', /in use/));
      assert.throws(() => session.remove(spki), failsAs('configuration', /has 0 keys of that kind/));
      module.objects = [rsaObject(), left];
      module.keeps = 'CKR_ACTION_PROHIBITED';
      assert.throws(
        () => session.remove(spki),
        failsAs('configuration', /does not let go of that key: CKR_ACTION_PROHIBITED at C_DestroyObject/),
      );
      assert.equal(module.left.length, 2);
    });
  });
});
