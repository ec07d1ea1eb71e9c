// The proxy that every scenario watches: a real Envoy of the service account `shop`.
import { type Capstan, TRUST_DOMAIN } from '../../support/capstan.ts';
import { Envoy, type EnvoySettings } from './envoy.ts';
import { tlsValues } from '../../support/token-files.ts';

export const SHOP = 'shop';
export const SHOP_ID = `spiffe://${TRUST_DOMAIN}/ns/default/sa/${SHOP}`;

/** Starts it on `capstan`, which has a socket `shop`, in the way that its bootstrap says. */
export async function startShopProxy(capstan: Capstan, settings: Omit<EnvoySettings, 'values'> = {}): Promise<Envoy> {
  if ((settings.bootstrap ?? 'sds-unix-socket') === 'sds-unix-socket') {
    return Envoy.start({ ...settings, values: { SDS_SOCKET: capstan.socket(SHOP) } });
  }
  const token = await capstan.token(SHOP);
  return Envoy.start({ ...settings, values: (directory) => tlsValues(capstan, directory, token) });
}
