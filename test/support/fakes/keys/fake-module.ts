// A PKCS#11 module in memory, as far as a session of ours calls it: objects with attributes, one token, one PIN.
import { sign, type KeyObject } from 'node:crypto';
import type { PKCS11, Template } from 'pkcs11js';

/** Numbers of PKCS#11 attributes. */
export const ATTRIBUTE = {
  class: 0,
  label: 3,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sign: 0x108,
  extractable: 0x162,
};
export const EC = { params: 0x180, point: 0x181 };
export const ALWAYS_AUTHENTICATE = 0x202;

export type FakeObject = ReadonlyMap<number, Buffer>;

export class FakeModule {
  label = 'mesh';
  flags = 0;
  tokens = 1;
  objects: readonly FakeObject[] = [];
  /** RSA: Node signs no digest of ECDSA that somebody else made. */
  readonly key: KeyObject;
  /** CKR_… by its number, thrown by the next login. */
  loginFails: number | undefined;
  logins = 0;
  signsWrongly = false;
  /** CKR_… by which it refuses to delete anything. */
  keeps: string | undefined;
  readonly #gone = new Set<FakeObject | undefined>();
  #found: readonly number[] = [];

  constructor(key: KeyObject) {
    this.key = key;
  }

  /** As TokenSession loads it. */
  get load(): () => PKCS11 {
    const calls: Partial<PKCS11> = {
      C_GetSlotList: () => Array.from({ length: this.tokens }, (_, index) => Buffer.from([index, 0, 0, 0, 0, 0, 0, 0])),
      C_GetTokenInfo: (() => ({
        label: this.label.padEnd(32),
        flags: this.flags,
      })) as unknown as PKCS11['C_GetTokenInfo'],
      C_OpenSession: () => Buffer.alloc(8),
      C_GetSessionInfo: (() => ({})) as unknown as PKCS11['C_GetSessionInfo'],
      C_Login: () => {
        this.logins += 1;
        if (this.loginFails !== undefined) throw failure('CKR_PIN_INCORRECT', this.loginFails, 'C_Login');
      },
      C_FindObjectsInit: (_session, template) => {
        this.#found = this.objects.flatMap((object, index) =>
          fits(object, template) && !this.#gone.has(object) ? [index] : [],
        );
      },
      C_FindObjects: ((_session: Buffer, most: number) =>
        this.#found.slice(0, most).map((index) => Buffer.from([index]))) as PKCS11['C_FindObjects'],
      C_FindObjectsFinal: () => undefined,
      C_GetAttributeValue: (_session, object, wanted) =>
        wanted.map(({ type }) => {
          const value = this.objects[object[0] ?? -1]?.get(type);
          if (value === undefined) throw failure('CKR_ATTRIBUTE_TYPE_INVALID', 0x12, 'C_GetAttributeValue');
          return { type, value };
        }),
      C_CloseSession: () => undefined,
      C_DestroyObject: (_session, object) => {
        if (this.keeps !== undefined) throw failure(this.keeps, 0x1b, 'C_DestroyObject');
        this.#gone.add(this.objects[object[0] ?? -1]);
      },
      C_SignInit: () => undefined,
      C_Sign: (_session: Buffer, data: Buffer) => this.#sign(data),
    };
    return () => calls as PKCS11;
  }

  /** What is in it after all that was deleted. */
  get left(): readonly FakeObject[] {
    return this.objects.filter((object) => !this.#gone.has(object));
  }

  #sign(data: Buffer): Buffer {
    const signature = sign('sha256', data, this.key);
    if (this.signsWrongly) signature[0] = (signature[0] ?? 0) ^ 1;
    return signature;
  }
}

function fits(object: FakeObject, template: Template): boolean {
  return template.every(({ type, value }) => {
    const wanted = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value as string);
    return object.get(type)?.equals(wanted) === true;
  });
}

function failure(name: string, code: number, method: string): Error {
  return Object.assign(new Error(name), { code, method });
}
