import {expect, test} from 'vitest';
import {factsOf} from '../../source/auth/facts.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {metricsOf, withTime} from '../../source/watch/metrics.ts';
import {apiKey, hour, noon, oauth, second, token} from '../screens/state.ts';
import {metricsIn} from '../support/metrics.ts';
import {agentOf} from '../ui/state-of.ts';

test('every profile with what is known of it, in the format that Prometheus reads', () => {
	const odd = 'acme:"odd"\\\n\u0007é';
	const agent = agentOf('main', {
		profiles: {
			'acme:a': oauth('acme', {expires: noon + hour}),
			[odd]: token('acme', {expires: noon}),
			'acme:key': apiKey('acme'),
		},
		usage: {'acme:key': {cooldownUntil: noon + hour, lastFailureAt: noon}},
	});
	const snapshot = {agents: [agent], defaultAgent: 'main', config: decodeConfig({}), problems: []};
	const text = metricsOf({
		watched: {snapshot, warnMs: []},
		...{now: noon, events: []},
		refreshOf: ({profileId}) => (profileId === 'acme:a' ? {at: noon - second, ok: false} : undefined),
	});
	const metrics = metricsIn(withTime(text, noon));
	const of = (profile: string, kind: string) => ({agent: 'main', provider: 'acme', profile, kind});
	const [a, b, key] = [
		of('acme:a', 'oauth'),
		of('acme:"odd"\\\n\\u0007é', 'token'),
		of('acme:key', 'api_key'),
	];
	const at = noon / 1000;
	const states = (labels: object, present: string) =>
		['ok', 'expiring', 'expired', 'missing', 'static'].map(state => [
			{...labels, state},
			+(state === present),
		]);
	expect(Object.fromEntries(metrics)).toEqual({
		jarvis_profile_expiry_timestamp_seconds: [
			[a, at + 3600],
			[b, at],
		],
		jarvis_profile_renews_itself: [
			[a, 1],
			[b, 0],
			[key, 0],
		],
		jarvis_profile_health: [...states(a, 'ok'), ...states(b, 'expired'), ...states(key, 'static')],
		jarvis_profile_needs_person: [
			[a, 0],
			[b, 1],
			[key, 0],
		],
		jarvis_profile_set_aside_until_timestamp_seconds: [[{...key, reason: 'cooldown'}, at + 3600]],
		jarvis_profile_last_refresh_success: [[a, 0]],
		jarvis_profile_last_refresh_timestamp_seconds: [[a, at - 1]],
		jarvis_provider_usable_profiles: [[{agent: 'main', provider: 'acme'}, 1]],
		jarvis_needs_person: [[{}, 1]],
		jarvis_unreadable_files: [[{}, 0]],
		jarvis_secrets_degraded: [[{}, 0]],
		jarvis_watch_timestamp_seconds: [[{}, at]],
	});
});

test('a key of jarvis.json is one of each agent that has it', () => {
	const inherited = [factsOf('jarvis.json', 'acme:jarvis.json', apiKey('acme'))];
	const agents = ['main', 'work'].map(id => ({...agentOf(id), inherited}));
	const snapshot = {agents, defaultAgent: 'main', config: decodeConfig({}), problems: []};
	const agentsOf = (agentId?: string) =>
		metricsIn(
			metricsOf({
				watched: {snapshot, warnMs: [], agentId},
				...{now: noon, events: []},
				refreshOf: () => undefined,
			}),
		)
			.get('jarvis_profile_needs_person')
			?.map(([{agent}]) => agent);
	expect(agentsOf()).toEqual(['main', 'work']);
	expect(agentsOf('work')).toEqual(['work']);
});
