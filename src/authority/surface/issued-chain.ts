// The answer to a request that brought its own key, whoever brought it.
import type { Issued } from '../issuing/issue-certificate.ts';
import type { IssuedChain } from './surface.ts';

export function chainOf({ certificate, bundle }: Issued): IssuedChain {
  return {
    leafPem: certificate.pem,
    intermediatePems: certificate.issuer.chainPems,
    bundlePem: bundle.pem,
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    decisionId: certificate.decisionId,
  };
}
