import {shellWord} from '../../errors.ts';
import {configOwner} from '../../store/config.ts';
import type {JudgedOption} from './decision.ts';
import type {OrderPlace, OrderSource, Pin} from './order.ts';

/**
 * What would change the place of a profile, for the person who wonders why it is used, or why it is not:
 * one sentence, with the command where there is one.
 * @param by what goes before the order: the pin, and the session that it is of
 */
export function whatChanges(
	agentId: string,
	{provider, order}: Pick<JudgedOption, 'provider' | 'order'>,
	{profileId, kind, reason, owner = agentId, renewedBy, waitsUntil}: OrderPlace,
	{pin, sessionKey}: {readonly pin?: Pin | undefined; readonly sessionKey?: string | undefined} = {},
): string {
	const id = shellWord(profileId);
	const paste = `jarvis models auth paste-token --provider ${provider} --agent ${owner} --profile-id ${id}`;
	const login = `jarvis models auth login --provider ${provider} --agent ${owner} --profile-id ${id}`;
	switch (reason) {
		case 'ok':
			if (waitsUntil !== undefined) return 'time: its server is asked again after that, and not before';
			return pin?.profileId === profileId
				? pinChange(agentId, pin, sessionKey)
				: owner === configOwner
					? `a profile of ${provider} that is ready: jarvis models auth login --provider ${provider} --agent ${agentId}`
					: orderChange(agentId, provider, order.source);
		case 'cooldown':
		case 'disabled':
			return `to use it at once: jarvis models auth cooldown clear ${id} --agent ${agentId}`;
		case 'needs_login':
		case 'expired':
			if (renewedBy !== undefined) return `running ${renewedBy}, which renews its own login`;
			return kind === 'oauth' ? `a new login: ${login}` : `a new secret: ${paste}`;
		case 'excluded_by_auth_order':
			return order.source === 'store'
				? `to try all again: jarvis models auth order clear --provider ${provider} --agent ${agentId}`
				: orderChange(agentId, provider, order.source);
		case 'excluded_by_pin':
			return pinChange(agentId, pin, sessionKey);
		case 'unknown_profile':
			return `a login under that name: ${login}`;
		case 'unresolved_ref':
			return 'mending its secret ref, or what it names; what is wrong with it: jarvis secrets reload';
		case 'short_lived':
			return 'asking for less with --min-ttl';
		case 'already_tried':
			return 'the next request, which begins anew';
		default:
			return `mending its entry in the file of the agent ${owner}, or removing it: jarvis models auth remove ${id} --agent ${owner}`;
	}
}

function pinChange(agentId: string, pin: Pin | undefined, sessionKey: string | undefined): string {
	if (!pin || pin.source === 'request' || sessionKey === undefined) return 'asking without a profile';
	const session = shellWord(sessionKey);
	return pin.source === 'user'
		? `to let the session go: jarvis sessions send ${session} '/model default' --agent ${agentId}`
		: `a reset of the session: jarvis sessions reset ${session} --agent ${agentId}`;
}

function orderChange(agentId: string, provider: string, source: OrderSource): string {
	const set = `jarvis models auth order set --provider ${provider} --agent ${agentId} <profile-id…>`;
	switch (source) {
		case 'store':
			return `another order: ${set}`;
		case 'main':
			return `the main agent’s order, or one of the agent’s own: ${set}`;
		case 'config':
			return `auth.order in jarvis.json, or an order of the agent’s own: ${set}`;
		case 'configured profiles':
			return `auth.profiles in jarvis.json, or an explicit order: ${set}`;
		default:
			return `an explicit order: ${set}`;
	}
}
