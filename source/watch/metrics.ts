import {holderOf, needyCount, profilesOf, usableCount, watchedAgents} from '../auth/concerns.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import {type HealthStatus, healthOf, isLeftToPerson, needsPerson} from '../auth/health.ts';
import {usableFacts} from '../auth/snapshot.ts';
import type {WatchLook} from './watcher.ts';

type Labels = Readonly<Record<string, string>>;

interface Gauge {
	readonly name: string;
	readonly help: string;
	readonly samples: readonly (readonly [Labels, number])[];
}

const states: readonly HealthStatus[] = ['ok', 'expiring', 'expired', 'missing', 'static'];

/**
 * What was found at a look, in the text format of Prometheus (its "Exposition formats", version 0.0.4): gauges alone,
 * no secret. The time of the look is left to `withTime`, so that a text says whether anything else has changed.
 */
export function metricsOf(look: WatchLook): string {
	return gaugesOf(look).map(gaugeText).join('');
}

/** Metrics with the time of the look (epoch ms), by which one sees that they are of the present. */
export function withTime(metrics: string, now: number): string {
	const time = {
		name: 'jarvis_watch_timestamp_seconds',
		help: 'When watch has last looked.',
		samples: [[{}, now / 1000] as const],
	};
	return metrics + gaugeText(time);
}

function gaugesOf({watched, now, refreshOf}: WatchLook): readonly Gauge[] {
	const {snapshot, degraded} = watched;
	const agents = watchedAgents(watched);
	const rows = agents.flatMap(agent =>
		profilesOf(watched, agent).map(facts => ({
			...{facts, labels: labelsOf(holderOf(agent, facts), facts)},
			...{health: healthOf(facts, now), refresh: refreshOf(facts)},
		})),
	);
	const providers = agents.flatMap(agent => {
		const all = new Set(usableFacts(agent).map(({provider}) => provider));
		return [...all].sort().map(provider => ({agent, provider}));
	});
	return [
		{
			name: 'jarvis_profile_expiry_timestamp_seconds',
			help: 'When the present token or key is over. One that renews itself is refreshed on its next use.',
			samples: rows.flatMap(({facts: {expires}, labels}) =>
				typeof expires === 'number' ? [[labels, expires / 1000] as const] : [],
			),
		},
		{
			name: 'jarvis_profile_renews_itself',
			help: 'Whether a token is renewed without a person.',
			samples: rows.map(({facts, labels}) => [labels, isLeftToPerson(facts) ? 0 : 1]),
		},
		{
			name: 'jarvis_profile_health',
			help: 'The state that a profile is in: one of them is 1.',
			samples: rows.flatMap(({labels, health}) =>
				states.map(state => [{...labels, state}, health.status === state ? 1 : 0] as const),
			),
		},
		{
			name: 'jarvis_profile_needs_person',
			help: 'Whether only a person can make a profile usable again.',
			samples: rows.map(({labels, health}) => [labels, needsPerson(health) ? 1 : 0]),
		},
		{
			name: 'jarvis_profile_set_aside_until_timestamp_seconds',
			help: 'When a profile comes back that is set aside after failures.',
			samples: rows.flatMap(({labels, health}) =>
				health.until === undefined
					? []
					: [[{...labels, reason: health.reason}, health.until / 1000] as const],
			),
		},
		{
			name: 'jarvis_profile_last_refresh_success',
			help: 'Whether the last refresh of a token worked.',
			samples: rows.flatMap(({labels, refresh}) => (refresh ? [[labels, refresh.ok ? 1 : 0] as const] : [])),
		},
		{
			name: 'jarvis_profile_last_refresh_timestamp_seconds',
			help: 'When a token was last refreshed, or that failed.',
			samples: rows.flatMap(({labels, refresh}) => (refresh ? [[labels, refresh.at / 1000] as const] : [])),
		},
		{
			name: 'jarvis_provider_usable_profiles',
			help: 'How many profiles of a provider an agent can use now.',
			samples: providers.map(({agent, provider}) => [
				{agent: agent.id, provider},
				usableCount(snapshot, agent, provider, now),
			]),
		},
		{
			name: 'jarvis_needs_person',
			help: 'How many credentials only a person can make usable again.',
			samples: [[{}, needyCount(agents, now)]],
		},
		{
			name: 'jarvis_unreadable_files',
			help: 'How many files cannot be read.',
			samples: [[{}, snapshot.problems.length]],
		},
		{
			name: 'jarvis_secrets_degraded',
			help: 'Whether secret refs could not be loaded anew.',
			samples: [[{}, degraded === undefined ? 0 : 1]],
		},
	];
}

function labelsOf(agent: string, {provider, profileId, kind}: ProfileFacts): Labels {
	return {agent, provider, profile: profileId, kind};
}

function gaugeText({name, help, samples}: Gauge): string {
	if (samples.length === 0) return '';
	const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
	return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines, ''].join('\n');
}

function labelText(labels: Labels): string {
	const pairs = Object.entries(labels).map(([key, value]) => `${key}="${labelValue(value)}"`);
	return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

// A label may hold any text but for these three. What a terminal would act on is spelt out.
function labelValue(text: string): string {
	return text
		.replace(/[^\P{Cc}\n]/gu, code => `\\u${code.charCodeAt(0).toString(16).padStart(4, '0')}`)
		.replaceAll('\\', '\\\\')
		.replaceAll('"', String.raw`\"`)
		.replaceAll('\n', String.raw`\n`);
}
