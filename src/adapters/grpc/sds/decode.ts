// Discovery requests from protobuf to the session's values. A node can be tens of kilobytes of
// extension lists: only what is needed of it outlives this file.
import type { JsonObject } from '@bufbuild/protobuf';
import type { Node } from '../../../gen/envoy/config/core/v3/base_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Status } from '../../../gen/google/rpc/status_pb.js';
import { decodeMessage } from '../service-definition.ts';
import type { DeltaRequest } from './session/delta-session.ts';
import type { ProxyNode } from './session/session.ts';
import type { SotwRequest } from './session/sotw-session.ts';

/** SPIRE's key, so that proxies that are set up for it need no change. */
export const VALIDATOR_OFF_KEY = 'disable_spiffe_cert_validation';
/** Of the text that Envoy rejects a secret with. */
const MAX_REJECTION_CHARACTERS = 300;
/** Of a node's id, which is kept as long as its streams are. */
const MAX_NODE_ID_CHARACTERS = 256;

/** @throws AuthorityError CAP-M03 when the bytes are no DiscoveryRequest. */
export function decodeSotwRequest(bytes: Uint8Array): SotwRequest {
  const request = decodeMessage(DiscoveryRequestSchema, bytes, 'CAP-M03');
  return {
    node: proxyNode(request.node),
    typeUrl: request.typeUrl,
    names: request.resourceNames,
    nonce: request.responseNonce,
    rejection: rejectionText(request.errorDetail),
    // A version is sent by a client that reconnects; on a stream under way it merely repeats what was accepted.
    resumes: request.versionInfo !== '',
  };
}

/** @throws AuthorityError CAP-M03 when the bytes are no DeltaDiscoveryRequest. */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const request = decodeMessage(DeltaDiscoveryRequestSchema, bytes, 'CAP-M03');
  return {
    node: proxyNode(request.node),
    typeUrl: request.typeUrl,
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: new Map(Object.entries(request.initialResourceVersions)),
    nonce: request.responseNonce,
    rejection: rejectionText(request.errorDetail),
    resumes: Object.keys(request.initialResourceVersions).length > 0,
  };
}

function proxyNode(node: Node | undefined): ProxyNode | undefined {
  if (node === undefined) return undefined;
  const off = validatorOff(node.metadata);
  return { id: node.id.slice(0, MAX_NODE_ID_CHARACTERS), spiffeValidator: off === undefined ? undefined : !off };
}

/** A boolean or its spelling, as SPIRE reads it; anything else counts as absent. */
function validatorOff(metadata: JsonObject | undefined): boolean | undefined {
  // Own properties only: any key can stand in a Struct.
  const value =
    metadata !== undefined && Object.hasOwn(metadata, VALIDATOR_OFF_KEY) ? metadata[VALIDATOR_OFF_KEY] : null;
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

function rejectionText(status: Status | undefined): string | undefined {
  return status?.message.slice(0, MAX_REJECTION_CHARACTERS);
}
