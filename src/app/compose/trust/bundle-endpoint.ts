// The SPIFFE bundle endpoint, in the profile that the configuration names: with a certificate of the web, which the operator
// keeps in files, or with an X.509-SVID of this trust domain, which Capstan issues to itself.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { HttpsListener } from '../../../adapters/http/https-listener.ts';
import { bundleRoutes } from '../../../adapters/http/publication/bundle-routes.ts';
import {
  servingProblem,
  startServingCertificate,
  type ServingCertificate,
  type Validity,
} from '../../../authority/serving-certificate.ts';
import { BundleSequence } from '../../../authority/trust/bundle-sequence.ts';
import type { OwnCertificates } from '../../../authority/trust/own-certificates.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { spiffeBundle } from '../../../domain/trust/spiffe-bundle.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Issuing } from '../issuing.ts';
import { servingNamesOf } from './issuers.ts';

/** Of the SVID in the profile https_spiffe: no workload has an identity of this shape. */
const ENDPOINT_PATH = '/capstan.dev/bundle-endpoint';

/** @returns the listener; nothing where no address is configured. */
export function composeBundleEndpoint(
  config: Config,
  foundation: Foundation,
  { issuing, ownCertificates }: Omit<Shown, 'listener'>,
): HttpsListener | undefined {
  const { address, refreshHint } = config.trustAnchors.endpoint;
  if (address === undefined) return undefined;
  const { clock, events, startUp, untilFlushed, running: signal, worker } = foundation;
  const sequence = new BundleSequence({ anchors: issuing.parts.anchors, clock });
  const bundle = () => {
    const { bundle: inForce, sequence: number } = sequence.current();
    return spiffeBundle(inForce, { sequence: number, refreshHintSeconds: refreshHint / 1_000 });
  };
  const settings = { ...address, name: 'the address of the bundle endpoint', reusePort: worker !== undefined };
  const listener = untilFlushed.use(new HttpsListener(bundleRoutes({ bundle, events }), settings));
  const certificate = config.trustAnchors.endpoint.profile === 'https_web' ? fromFiles : fromOurselves;
  const showCertificate = certificate(config, foundation, { issuing, listener, ownCertificates });
  startUp.at('listen', async (options) => {
    sequence.start({ signal });
    await showCertificate();
    await listener.start(options);
  });
  return listener;
}

interface Shown {
  readonly issuing: Issuing;
  readonly ownCertificates: OwnCertificates;
  readonly listener: HttpsListener;
}

function fromFiles({ trustAnchors }: Config, { clock, files, health, running }: Foundation, { listener }: Shown) {
  const { certificateFile = '', keyFile = '' } = trustAnchors.endpoint;
  const source = watchedFiles({ certificate: certificateFile, key: { path: keyFile, confidential: true } }, files);
  let problem: string | undefined;
  let shown: Validity | undefined;
  const load = async (): Promise<void> => {
    const texts = await source.read();
    const [certChainPem, keyPem] = [texts.get('certificate') ?? '', texts.get('key') ?? ''];
    demandPair(certChainPem, keyPem, certificateFile);
    try {
      listener.setServingCertificate({ certChainPem, keyPem });
    } catch (cause) {
      throw new AuthorityError('CAP-X03', { detail: `${certificateFile} has no chain that TLS can use`, cause });
    }
    shown = validityOf(certChainPem);
  };
  const reload = async (): Promise<void> => {
    problem = await load().then(
      () => undefined,
      (error: unknown) => (error instanceof AuthorityError ? error.message : 'unexpected failure'),
    );
  };
  health.report('bundle endpoint', () =>
    degradedBy(servingProblem(shown, clock.nowMs()) ?? (problem && `the last good certificate stays: ${problem}`)),
  );
  return async (): Promise<void> => {
    await load();
    source.onChange(reload, { signal: running });
  };
}

function validityOf(certificatePem: string): Validity {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem);
  return { notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() };
}

/** @throws AuthorityError CAP-X03 naming the file, without a word of what is in it. */
function demandPair(certificatePem: string, keyPem: string, place: string): void {
  try {
    if (new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem))) return;
  } catch (cause) {
    throw new AuthorityError('CAP-X03', { detail: `${place} and its key are not a certificate and its key`, cause });
  }
  throw new AuthorityError('CAP-X03', { detail: `${place} is the certificate of another key` });
}

function fromOurselves(
  config: Config,
  { clock, health, running }: Foundation,
  { issuing, listener, ownCertificates: moves }: Shown,
) {
  let shown: ServingCertificate | undefined;
  const { ttl } = config.serving;
  const settings = {
    names: servingNamesOf(config),
    spiffeId: `spiffe://${config.trustDomain}${ENDPOINT_PATH}`,
    lifetimes: { ...issuing.lifetimes, defaultMs: ttl, maxMs: ttl },
  };
  const parts = {
    ...issuing.parts,
    moves,
    install: (one: ServingCertificate) => {
      shown = one;
      const { trustAnchor, notAfterMs } = one;
      moves.note({ name: 'the certificate of the bundle endpoint', trustAnchor, notAfterMs });
      listener.setServingCertificate({ certChainPem: one.certificateChainPem, keyPem: one.privateKeyPem });
    },
  };
  health.report('bundle endpoint', () => degradedBy(servingProblem(shown, clock.nowMs())));
  return async (): Promise<void> => startServingCertificate(parts, settings, { signal: running });
}
