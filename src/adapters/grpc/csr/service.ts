// Istio's CSR API at the wire: `istio.v1.auth.IstioCertificateService`. The client has no deadline of
// its own and asks for one certificate at a time, so the bounds on time and number are ours.
import type { CsrAuthority } from '../../../authority/surface/surface.ts';
import { IstioCertificateService } from '../../../gen/istio/v1/auth/certificate_service_pb.js';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ServiceRegistration } from '../listeners/listener-view.ts';
import { RefusalDelay } from '../refusal-delay.ts';
import { serviceDefinition, type Handlers } from '../service-definition.ts';
import { FairAdmission, type AdmissionLimits } from '../fair-admission.ts';
import { unaryHandler } from '../unary-call.ts';
import { decodeCsrRequest } from './decode.ts';
import { encodeChain } from './encode.ts';

export interface CsrServiceParts {
  readonly authority: CsrAuthority;
  readonly clock: Pick<Clock, 'after'>;
  readonly events: Pick<Events, 'unexpected' | 'requestDropped'>;
}

export interface CsrServiceSettings extends AdmissionLimits {
  /** From the whole request to the answer. */
  readonly deadlineMs: number;
}

/** @returns how to put the CSR API behind a listener; all listeners share `maxInFlight`. */
export function csrService(
  { authority, clock, events }: CsrServiceParts,
  settings: CsrServiceSettings,
): ServiceRegistration {
  const admission = new FairAdmission(settings);
  const refusals = new RefusalDelay();
  return (server, listener) => {
    const handlers: Handlers<typeof IstioCertificateService> = {
      createCertificate: unaryHandler(
        {
          listener,
          admission,
          refusals,
          clock,
          events,
          where: 'CreateCertificate',
          work: async (call, options) => {
            const decode = () => decodeCsrRequest(call.request);
            return encodeChain(await authority.answerCsr(listener.presentedBy(call), decode, options));
          },
        },
        settings,
      ),
    };
    server.addService(serviceDefinition(IstioCertificateService), { ...handlers });
  };
}
