import assert from 'node:assert/strict';
import { isFromOwnPage, isOfTab, isOwnHost } from '../../../../src/adapters/http/console/own-page.ts';

const NAMES = new Set(['ca.example.test', '127.0.0.1', '::1']);
const HOST = 'ca.example.test:15016';
const OWN = { host: HOST, origin: `https://${HOST}`, site: 'same-origin' };

describe('The console', () => {
  for (const host of [HOST, 'CA.example.test', '127.0.0.1:15016', '[::1]:15016']) {
    it(`answers under its own name ${host}`, () => assert.ok(isOwnHost({ host }, NAMES)));
  }
  for (const host of [undefined, '', 'evil.example', 'ca.example.test.evil.example', '127.0.0.1.nip.io:15016']) {
    it(`does not answer under ${host ?? 'no name'}: a browser was led here`, () => {
      assert.ok(!isOwnHost({ host }, NAMES));
    });
  }

  it('takes changes from its own pages', () => assert.ok(isFromOwnPage(OWN, 'https')));
  const foreign = {
    'a page of another host': { ...OWN, origin: 'https://evil.example' },
    'a page of another port': { ...OWN, origin: 'https://ca.example.test:8443' },
    'a page without TLS': { ...OWN, origin: `http://${HOST}` },
    'what says of itself that it is of another site': { ...OWN, site: 'cross-site' },
    'a sandboxed page': { ...OWN, origin: 'null' },
    'what is no page': { ...OWN, origin: undefined },
  };
  for (const [who, headers] of Object.entries(foreign)) {
    it(`takes no change from ${who}`, () => assert.ok(!isFromOwnPage(headers, 'https')));
  }

  const tab = { mode: 'navigate', dest: 'document', purpose: undefined };
  it('begins a sign-in where a tab goes there', () => assert.ok(isOfTab(tab)));
  it('begins a sign-in for a browser that says nothing of that', () => {
    assert.ok(isOfTab({ mode: undefined, dest: undefined, purpose: undefined }));
  });
  const notOfTab = {
    'an image': { ...tab, mode: 'no-cors', dest: 'image' },
    'a script': { ...tab, mode: 'cors', dest: 'empty' },
    'a frame': { ...tab, dest: 'iframe' },
    'a page that fetches ahead': { ...tab, purpose: 'prefetch' },
  };
  for (const [who, headers] of Object.entries(notOfTab)) {
    it(`begins no sign-in for ${who}`, () => assert.ok(!isOfTab(headers)));
  }
});
