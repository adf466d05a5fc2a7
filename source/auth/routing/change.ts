import {shellWord} from '../../errors.ts';
import {configOwner} from '../../store/config.ts';
import {
	clearCommand,
	linkWords,
	loginCommand,
	orderClearCommand,
	orderSetCommand,
	removeCommand,
	renewCommand,
} from '../profile-commands.ts';
import type {JudgedOption} from './decision.ts';
import type {OrderPlace, OrderSource, Pin} from './order.ts';

/** What would help a profile to another place, and the command that does it, where there is one. */
export interface Change {
	/** In words, as they stand before the command. */
	readonly what: string;
	readonly command?: string;
}

/** What goes before an order: the pin, and the session that it is of. */
export interface Before {
	readonly pin?: Pin | undefined;
	readonly sessionKey?: string | undefined;
}

/**
 * What would change the place of a profile, for the person who wonders why it is used, or why it is not:
 * one sentence, with the command where there is one.
 */
export function whatChanges(
	agentId: string,
	option: Pick<JudgedOption, 'provider' | 'order'>,
	place: OrderPlace,
	before: Before = {},
): string {
	return changeText(changeOf(agentId, option, place, before));
}

/** A change as one sentence. */
export function changeText({what, command}: Change): string {
	return command === undefined ? what : `${what}: ${command}`;
}

/** The same as data. */
export function changeOf(
	agentId: string,
	{provider, order}: Pick<JudgedOption, 'provider' | 'order'>,
	{profileId, kind, reason, owner = agentId, renewedBy, waitsUntil}: OrderPlace,
	{pin, sessionKey}: Before = {},
): Change {
	const renew = renewCommand({...{agentId: owner, profileId, provider}, kind});
	switch (reason) {
		case 'ok':
			if (waitsUntil !== undefined)
				return {what: 'time: its server is asked again after that, and not before'};
			return pin?.profileId === profileId
				? pinChange(agentId, pin, sessionKey)
				: owner === configOwner
					? {
							what: `a profile of ${provider} that is ready`,
							command: loginCommand(agentId, provider),
						}
					: orderChange(agentId, provider, order.source);
		case 'cooldown':
		case 'disabled':
			return {what: 'to use it at once', command: clearCommand({agentId, profileId})};
		case 'needs_login':
		case 'expired':
		case 'missing_credential':
		case 'invalid_expires':
			if (renewedBy !== undefined) return {what: linkWords(renewedBy)};
			return {what: kind === 'oauth' ? 'a new login' : 'a new secret', command: renew};
		case 'excluded_by_auth_order':
			return order.source === 'store'
				? orderCleared(agentId, provider)
				: orderChange(agentId, provider, order.source);
		case 'excluded_by_pin':
			return pinChange(agentId, pin, sessionKey);
		case 'unknown_profile':
			return {what: 'a login under that name', command: renew};
		case 'unresolved_ref':
			return {
				what: 'mending its secret ref, or what it names; what is wrong with it',
				command: 'jarvis secrets reload',
			};
		case 'short_lived':
			return {what: 'asking for less with --min-ttl'};
		case 'already_tried':
			return {what: 'the next request, which begins anew'};
		default:
			if (owner === configOwner) return {what: 'mending it in jarvis.json'};
			return {
				what: `mending its entry in the file of the agent ${owner}, or removing it`,
				command: removeCommand({agentId: owner, profileId}),
			};
	}
}

/** Takes the explicit order of an agent away. */
export function orderCleared(agentId: string, provider: string): Change {
	return {what: 'to try all again', command: orderClearCommand(agentId, provider)};
}

/** Lets a session go that a person has pinned. */
export function sessionLetGo(agentId: string, sessionKey: string): Change {
	return {
		what: 'to let the session go',
		command: `jarvis sessions send ${shellWord(sessionKey)} '/model default' --agent ${agentId}`,
	};
}

function pinChange(agentId: string, pin: Pin | undefined, sessionKey: string | undefined): Change {
	if (!pin || pin.source === 'request' || sessionKey === undefined) return {what: 'asking without a profile'};
	if (pin.source === 'user') return sessionLetGo(agentId, sessionKey);
	return {
		what: 'a reset of the session',
		command: `jarvis sessions reset ${shellWord(sessionKey)} --agent ${agentId}`,
	};
}

function orderChange(agentId: string, provider: string, source: OrderSource): Change {
	const command = orderSetCommand(agentId, provider);
	switch (source) {
		case 'store':
			return {what: 'another order', command};
		case 'main':
			return {what: 'the main agent’s order, or one of the agent’s own', command};
		case 'config':
			return {what: 'auth.order in jarvis.json, or an order of the agent’s own', command};
		case 'configured profiles':
			return {what: 'auth.profiles in jarvis.json, or an explicit order', command};
		default:
			return {what: 'an explicit order', command};
	}
}
