import assert from 'node:assert/strict';
import type { ServeReport } from '../../../src/app/serve.ts';
import { reportReady } from '../../../src/cli/reports/server/ready.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const REPORT: ServeReport = {
  tlsAddress: '127.0.0.1:15012',
  httpAddress: '127.0.0.1:15014',
  sockets: [],
  troubled: [],
  trustDomain: 'cluster.local',
  issuers: [{ name: 'default', id: 'i', subject: 'CN=Issuer', notAfterMs: 1_000 }],
  policy: { bundle: 'corp@1', place: 'bundle.yaml', signed: true },
  anchors: [],
};

describe('What a person sees when the server is up', () => {
  it('names each part that works less than it should, and why', () => {
    const shown = bannerOf([{ part: 'sds sockets', state: 'degraded', why: '/run/a.sock is taken' }]);
    assert.match(shown, /^Capstan is ready for trust domain cluster\.local\.$/m);
    assert.match(shown, /^ {2}Degraded {8}sds sockets: \/run\/a\.sock is taken$/m);
  });

  it('does not call ready what /readyz does not', () => {
    const shown = bannerOf([{ part: 'issuer', state: 'not ready', why: 'it has expired' }]);
    assert.match(shown, /^Capstan has started for trust domain cluster\.local, but is not ready\.$/m);
    assert.match(shown, /^ {2}Not ready {7}issuer: it has expired$/m);
  });

  it('says nothing of parts that are well', () => {
    assert.doesNotMatch(bannerOf([]), /degraded|not ready/i);
  });

  it('says where metrics are read from elsewhere, and that it takes a credential', () => {
    const shown = bannerOf([], { metricsAddress: '0.0.0.0:15018' });
    assert.match(shown, /^ {2}Health, metrics .*\n {2} +https:\/\/0\.0\.0\.0:15018, the same to who shows a token/m);
    assert.doesNotMatch(bannerOf([]), /https:/);
  });

  it('says where operators are heard over TLS', () => {
    const shown = bannerOf([], { administrationAddress: '0.0.0.0:15016' });
    assert.match(shown, /^ {2}Administration +https:\/\/0\.0\.0\.0:15016, for operators with a client certificate$/m);
    assert.doesNotMatch(bannerOf([]), /Administration/);
  });

  it('names the default issuer, and each further one by its name', () => {
    const gold = { name: 'gold', id: 'g', subject: 'CN=Gold', notAfterMs: 1_000 };
    const shown = bannerOf([], { issuers: [...REPORT.issuers, gold] });
    assert.match(shown, /^ {2}Issuer +CN=Issuer, /m);
    assert.match(shown, /^ {2}Issuer gold +CN=Gold, /m);
  });

  it('keeps the names of issuers apart from their subjects, however long they are', () => {
    const named = (name: string) => ({ name, id: name, subject: 'CN=It', notAfterMs: 1_000 });
    const shown = bannerOf([], { issuers: [...REPORT.issuers, named('payments-ca')] });
    assert.match(shown, /^ {2}Issuer {13}CN=Issuer, /m);
    assert.match(shown, /^ {2}Issuer payments-ca CN=It, /m);
    assert.match(bannerOf([], { issuers: [named('default'), named('p'.repeat(60))] }), /^ {2}Issuer p{60} CN=It, /m);
  });

  function bannerOf(troubled: ServeReport['troubled'], more: Partial<ServeReport> = {}): string {
    const { terminal, out } = recordTerminal();
    reportReady(
      { ...REPORT, ...more, troubled },
      {
        terminal,
        nowMs: 0,
        program: 'capstan',
        dataDir: undefined,
        created: false,
        logFile: undefined,
        socketDirectory: undefined,
      },
    );
    return out();
  }
});
