import type {Config} from '../../store/config.ts';
import {providerOfProfileId} from '../../store/paths.ts';
import {optional} from '../../store/schema.ts';
import {pinOf, type Session} from '../../store/sessions.ts';
import {namedModel, type Target} from './decision.ts';
import type {ModelRefContext, ProviderProfile} from './model-ref.ts';
import type {Pin} from './order.ts';

/** What a session uses where nothing else is asked for: its own model, else the primary one. */
export function modelOfSession(config: Config, session: Session | undefined): Target | undefined {
	const {providerOverride, modelOverride: model} = session ?? {};
	const provider = providerOverride && (config.models.providerIds?.get(providerOverride) ?? providerOverride);
	if (provider && model) return {kind: 'model', origin: 'session', model: {provider, model}};
	const primary = config.models.primary && namedModel(config.models.primary, config.models);
	return primary ? {kind: 'model', origin: 'primary', model: primary} : undefined;
}

/** The same, or else the provider of the profile that it keeps to: a session may never have had a model. */
export function targetOfSession(
	config: Config,
	session: Session | undefined,
	profiles: readonly ProviderProfile[],
): Target | undefined {
	const own = modelOfSession(config, session);
	if (own) return own;
	const pin = pinOfSession(session, profiles);
	return pin && {kind: 'provider', provider: pin.provider, origin: 'session'};
}

/** The profile that a session keeps to, and its provider, whether or not there still is such a profile. */
export function pinOfSession(
	session: Session | undefined,
	profiles: readonly ProviderProfile[],
): (Pin & {readonly provider: string}) | undefined {
	const pin = session && pinOf(session);
	if (!pin) return undefined;
	const present = profiles.find(({profileId}) => profileId === pin.profileId);
	return {...pin, provider: present?.provider ?? providerOfProfileId(pin.profileId)};
}

/** What the model references of a session are read against. */
export function modelContext(
	agentId: string,
	config: Config,
	profiles: readonly ProviderProfile[],
	session: Session | undefined,
): ModelRefContext {
	const current = modelOfSession(config, session);
	return {
		...{agentId, profiles, aliases: config.models.aliases, configuredModels: config.models.configured},
		...optional('providerIds', config.models.providerIds),
		...optional('defaultProvider', current?.kind === 'model' ? current.model.provider : undefined),
	};
}
