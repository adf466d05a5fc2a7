import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {concernLine} from '../../source/auth/concern-words.ts';
import {
	concernsOf,
	concernTable,
	needyCount,
	newsOf,
	nextMoment,
	type Told,
	type Watched,
} from '../../source/auth/concerns.ts';
import {factsOf} from '../../source/auth/facts.ts';
import {fingerprint} from '../../source/auth/identity.ts';
import type {AgentSnapshot} from '../../source/auth/snapshot.ts';
import {JarvisError} from '../../source/errors.ts';
import {decodeConfig} from '../../source/store/config.ts';
import type {Credential} from '../../source/store/schema.ts';
import {type AgentSeed, apiKey, day, hour, minute, noon, oauth, second, token} from '../screens/state.ts';
import {agentOf} from '../ui/state-of.ts';

const damaged = new JarvisError('store_damaged', 'The file is not valid JSON.', 'Mend it.');

/** What is watched of some agents; `more` replaces members of it. */
function watchedOf(seeds: Readonly<Record<string, AgentSeed>>, more: Partial<Watched> = {}): Watched {
	return watching(
		Object.entries(seeds).map(([id, seed]) => agentOf(id, seed)),
		more,
	);
}

function watching(agents: readonly AgentSnapshot[], more: Partial<Watched> = {}): Watched {
	const problems = agents.flatMap(({problem}) => (problem ? [problem] : []));
	return {
		snapshot: {agents, defaultAgent: 'main', config: decodeConfig({}), problems},
		warnMs: [14 * day, 3 * day, day],
		...more,
	};
}

/** What is told, in turn, of what is found at several times; nothing was told before. */
function story(...looks: readonly (readonly [Watched, number])[]): string[][] {
	let told: Told = new Map();
	return looks.map(([watched, now]) => {
		const news = newsOf(told, watched, now);
		told = news.told;
		return news.events.map(({event, agentId, profileId, provider, was}) =>
			[event, was, agentId, profileId ?? provider].filter(Boolean).join(' '),
		);
	});
}

const acme = (credential: Credential, usage: AgentSeed['usage'] = {}) => ({
	main: {profiles: {'acme:a': credential}, usage},
});
const refused = {
	'acme:a': {needsLogin: {since: noon, fingerprint: fingerprint(oauth('acme').refresh ?? ''), reason: 'x'}},
};
const aside = (kind: 'cooldown' | 'disabled', ms: number) => ({
	'acme:a': {[`${kind}Until`]: noon + ms, lastFailureAt: noon, disabledReason: 'billing'},
});

describe('what needs a person', () => {
	test.each<[string, Credential, AgentSeed['usage'], string[]]>([
		['a token that is good for long', token('acme', {expires: noon + 30 * day}), {}, []],
		['an API key', apiKey('acme'), {}, []],
		['OAuth that is over, and is refreshed on its next use', oauth('acme', {expires: noon - day}), {}, []],
		['a refused refresh token', oauth('acme'), refused, ['needs_login main acme:a']],
		['a token that is over', token('acme', {expires: noon}), {}, ['expired main acme:a']],
		[
			'OAuth without a refresh token, at its end',
			{type: 'oauth', provider: 'acme', access: 'not-a-secret', expires: noon},
			{},
			['expired main acme:a'],
		],
		['no secret', {type: 'token', provider: 'acme'}, {}, ['missing main acme:a']],
		['an expiry that is no time', token('acme', {expires: 'invalid'}), {}, ['unusable main acme:a']],
		['OAuth beside a ref', oauth('acme', {hasRef: true}), {}, ['unusable main acme:a']],
		['a cooldown of minutes', apiKey('acme'), aside('cooldown', 25 * minute), []],
		['a cooldown of an hour', apiKey('acme'), aside('cooldown', hour), []],
		['a cooldown of hours', apiKey('acme'), aside('cooldown', 5 * hour), ['all_out main acme']],
		['nothing paid', apiKey('acme'), aside('disabled', 5 * hour), ['disabled main acme:a']],
		['14 days left', token('acme', {expires: noon + 14 * day}), {}, ['ends_soon main acme:a']],
		['a day more', token('acme', {expires: noon + 15 * day}), {}, []],
		[
			'a linked login near its end, which its program renews',
			oauth('acme', {expires: noon + hour, link: {program: 'codex', file: '/x', entry: 'x'}}),
			{},
			[],
		],
	])('%s', (_, credential, usage, expected) => {
		expect(story([watchedOf(acme(credential, usage)), noon])).toEqual([expected]);
	});

	test('a ref that does not resolve, but not while it is being loaded', () => {
		const ref = {source: 'env', provider: 'default', id: 'ACME'} as const;
		const facts = factsOf('main', 'acme:a', {type: 'api_key', provider: 'acme', keyRef: ref});
		const failing = (code: 'not_found' | 'not_loaded') =>
			watching([{...agentOf('main'), profiles: [{...facts, unresolved: {code, message: 'no'}}]}]);
		expect(
			story([failing('not_loaded'), noon], [failing('not_found'), noon], [failing('not_loaded'), noon]),
		).toEqual([[], ['unresolved_ref main acme:a'], []]);
	});

	describe('a key of jarvis.json is in the place of each agent that has it', () => {
		const ref = {source: 'env', provider: 'default', id: 'ACME'} as const;
		const keyFacts = (more: object) => ({
			...factsOf('jarvis.json', 'acme:jarvis.json', {type: 'api_key', provider: 'acme', keyRef: ref}),
			...more,
		});
		const having = (id: string, more: object) => ({...agentOf(id), inherited: [keyFacts(more)]});
		const unpaid = {usage: {disabledUntil: noon + 5 * hour, lastFailureAt: noon, disabledReason: 'billing'}};
		const unresolved = {unresolved: {code: 'not_found', message: 'no'}};
		const clear = (agent: string) => `jarvis models auth cooldown clear 'acme:jarvis.json' --agent ${agent}`;

		test.each<[string, Partial<Watched>]>([
			['of all agents', {}],
			['of the one that is watched', {agentId: 'work'}],
		])('%s', (_, more) => {
			const ids = more.agentId === undefined ? ['main', 'work'] : ['work'];
			const all = (what: object) => watching([having('main', what), having('work', what)], more);
			expect(story([all(unpaid), noon], [all({}), noon])).toEqual([
				ids.map(id => `disabled ${id} acme:jarvis.json`),
				ids.map(id => `well disabled ${id} acme:jarvis.json`),
			]);
			const told = concernsOf(all(unpaid), noon).filter(({isQuiet}) => !isQuiet);
			expect(told.map(({agentId, next}) => [agentId, next])).toEqual(ids.map(id => [id, clear(id)]));
			expect(story([all(unresolved), noon])).toEqual([
				ids.map(id => `unresolved_ref ${id} acme:jarvis.json`),
			]);
			const refs = concernsOf(all(unresolved), noon).map(({next}) => next);
			expect(new Set(refs)).toEqual(new Set(['jarvis secrets reload']));
		});

		test('only where it is out there: another agent may have learned nothing of it', () => {
			const watched = watching([having('main', {}), having('work', unpaid)]);
			expect(story([watched, noon])).toEqual([['disabled work acme:jarvis.json']]);
		});

		test('and is mended there where no login is of help', () => {
			const watched = watching([having('main', {ref: undefined, hasValue: false})]);
			const [concern] = concernsOf(watched, noon);
			expect(concern).toMatchObject({event: 'missing', agentId: 'main', next: 'Mend it in jarvis.json.'});
		});
	});

	test('entries and files that are not understood, and agents that have nothing', () => {
		const broken = {...agentOf('main'), broken: [{profileId: 'acme:x', problem: 'has no type'}]};
		expect(story([watching([broken, {...agentOf('work'), problem: damaged}]), noon])).toEqual([
			['unreadable work', 'not_understood main acme:x'],
		]);
		const empty = watching([agentOf('main'), agentOf('work')]);
		expect(story([empty, noon])).toEqual([['missing main']]);
		expect(story([{...empty, agentId: 'work'}, noon])).toEqual([['missing work']]);
		expect(story([{...empty, agentId: 'gone'}, noon])).toEqual([['missing gone']]);
	});

	test('secrets that could not be loaded anew, once', () => {
		const ref = {source: 'exec', provider: 'vault', id: 'x'} as const;
		const failure = {code: 'unavailable', message: 'no answer'} as const;
		const facts = factsOf('main', 'acme:a', {type: 'api_key', provider: 'acme', keyRef: ref});
		const main = (more: object) => watching([{...agentOf('main'), profiles: [{...facts, ...more}]}]);
		const good = main({});
		const report = {ok: false, state: 'degraded', ignored: [], problems: []} as const;
		const degraded = {...good, degraded: {...report, refs: [{ref, usedBy: [], failure}]}};
		// Where nothing was loaded before, its profile is told of.
		expect(story([{...degraded, ...main({unresolved: failure})}, noon])).toEqual([
			['unresolved_ref main acme:a'],
		]);
		expect(story([degraded, noon], [degraded, noon], [good, noon])).toEqual([
			['secrets_degraded'],
			[],
			['well secrets_degraded'],
		]);
	});

	test('a provider of which nothing is left, once for all who read it of the main agent', () => {
		const over = token('acme', {expires: noon});
		const main = agentOf('main', {profiles: {'acme:a': over, 'acme:b': over}});
		const reading = {...agentOf('work'), inherited: main.profiles};
		const both = ['expired main acme:a', 'expired main acme:b', 'all_out main acme'];
		expect(story([watching([main, reading]), noon])).toEqual([both]);
		const alone = story([watching([main, reading], {agentId: 'work'}), noon]);
		expect(alone).toEqual([[...both.slice(0, 2), 'all_out work acme']]);
		// Its own order leaves out what works.
		const good = agentOf('main', {profiles: {'acme:a': over, 'acme:b': apiKey('acme')}});
		const ordered = {...reading, inherited: good.profiles, order: new Map([['acme', ['acme:a']]])};
		expect(story([watching([good, ordered]), noon])).toEqual([['expired main acme:a', 'all_out work acme']]);
	});

	test('is counted as the dashboard counts it', () => {
		const seeds = {
			main: {
				profiles: {
					'acme:a': oauth('acme'),
					'acme:b': token('acme', {expires: noon}),
					'acme:c': token('acme', {expires: noon + hour}),
					'acme:d': apiKey('acme', {expires: 'invalid'}),
				},
				usage: refused,
			},
		};
		const watched = watchedOf(seeds);
		const now = concernsOf(watched, noon).filter(({event}) => concernTable[event].level === 'now');
		expect(now).toHaveLength(3);
		expect(needyCount(watched.snapshot.agents, noon)).toBe(3);
	});
});

describe('what is news', () => {
	test('each threshold once, the end, and the all-clear', () => {
		const expires = noon + 20 * day;
		const watched = watchedOf(acme(token('acme', {expires})));
		const renewed = watchedOf(acme(token('acme', {expires: expires + 365 * day})));
		const at = (before: number) => [watched, expires - before] as const;
		expect(
			story(
				...[at(20 * day), at(14 * day), at(13 * day), at(3 * day), at(2 * day), at(day), at(hour)],
				...[at(0), [renewed, expires] as const],
			),
		).toEqual([
			...[[], ['ends_soon main acme:a'], [], ['ends_soon main acme:a'], [], ['ends_soon main acme:a'], []],
			...[['expired main acme:a'], ['well expired main acme:a']],
		]);
	});

	test('not a threshold that is reached again because the clock was set back', () => {
		const expires = noon + 20 * day;
		const watched = watchedOf(acme(token('acme', {expires})));
		const looks = [2 * day, 10 * day, 2 * day].map(before => [watched, expires - before] as const);
		expect(story(...looks)).toEqual([['ends_soon main acme:a'], [], []]);
		const other = watchedOf(acme(token('acme', {expires: expires + 8 * day})));
		expect(story([watched, expires - 2 * day], [other, expires - 2 * day])[1]).toEqual([
			'ends_soon main acme:a',
		]);
	});

	test('not that a token is over which is refreshed on use, nor when it was', () => {
		const watched = watchedOf(acme(oauth('acme', {expires: noon + hour})));
		const renewed = watchedOf(acme(oauth('acme', {expires: noon + 3 * hour})));
		expect(story([watched, noon], [watched, noon + 2 * hour], [renewed, noon + 2 * hour])).toEqual([
			[],
			[],
			[],
		]);
	});

	test('a long cooldown begins once, and its last hour is no all-clear', () => {
		const watched = watchedOf(acme(apiKey('acme'), aside('cooldown', 5 * hour)));
		const looks = [0, hour, 4.5 * hour, 5 * hour].map(ms => [watched, noon + ms] as const);
		expect(story(...looks)).toEqual([['all_out main acme'], [], [], ['well all_out main acme']]);
	});

	test('one state after another, of which the last is told', () => {
		const dead = watchedOf(acme(oauth('acme'), refused));
		const gone = watchedOf({main: {profiles: {'beta:a': apiKey('beta')}}});
		const missing = watchedOf(acme({type: 'oauth', provider: 'acme'}));
		expect(story([dead, noon], [missing, noon], [gone, noon], [gone, noon])).toEqual([
			['needs_login main acme:a'],
			['missing main acme:a'],
			['well missing main acme:a'],
			[],
		]);
		const {told} = newsOf(new Map(), dead, noon);
		expect(newsOf(told, gone, noon).events).toEqual([
			{
				...{at: noon, event: 'well', level: 'well', was: 'needs_login', why: 'it is gone'},
				...{agentId: 'main', profileId: 'acme:a', provider: 'acme', kind: 'oauth', left: 0},
			},
		]);
	});

	test('nothing is well again only because what is left of it is told in another way', () => {
		const over = token('acme', {expires: noon});
		const two = watchedOf({main: {profiles: {'acme:a': over, 'acme:b': over, 'beta:a': apiKey('beta')}}});
		const one = watchedOf({main: {profiles: {'acme:a': over, 'beta:a': apiKey('beta')}}});
		const none = watchedOf({main: {profiles: {'beta:a': apiKey('beta')}}});
		expect(story([two, noon], [one, noon], [none, noon]).slice(1)).toEqual([
			['well expired main acme:b'],
			['well expired main acme:a', 'well all_out main acme'],
		]);
		const told = [two, one].reduce<Told>((before, watched) => newsOf(before, watched, noon).told, new Map());
		const whys = newsOf(told, none, noon).events.map(({why}) => why);
		expect(whys).toEqual(['it is gone', 'it is gone']);
	});

	test('nothing is over while the file cannot be read that would show it', () => {
		const dead = watchedOf(acme(oauth('acme'), refused));
		const unreadable = watching([{...agentOf('main'), problem: damaged}]);
		const well = watchedOf(acme(oauth('acme')));
		expect(story([dead, noon], [unreadable, noon], [well, noon])).toEqual([
			['needs_login main acme:a'],
			['unreadable main'],
			['well unreadable main', 'well needs_login main acme:a'],
		]);
	});
});

test('a line says when, what, of whom, why, and the one command that helps', () => {
	const [event] = newsOf(new Map(), watchedOf(acme(token('acme', {expires: noon}))), noon).events;
	expect(event && concernLine(event).replace(/ {2,}/g, ' | ')).toBe(
		'2026-01-15 12:00:00 | ✗ expired | main acme:a | expired, and cannot be refreshed, and it is the only one of acme → ' +
			"jarvis models auth paste-token --provider acme --agent main --profile-id 'acme:a'",
	);
});

const credentials = fc.constantFrom<Credential>(
	...[oauth('a', {expires: noon + 2 * hour}), apiKey('a'), apiKey('a', {expires: noon + 40 * day})],
	...[token('a', {expires: noon + 5 * day}), token('b', {expires: noon - hour}), token('b')],
	{type: 'oauth', provider: 'b', access: 'not-a-secret', expires: noon + hour, expiresIn: 3600},
);
const usages = fc.record(
	{
		cooldownUntil: fc.integer({min: noon - hour, max: noon + 6 * hour}),
		disabledUntil: fc.integer({min: noon - hour, max: noon + 6 * hour}),
		lastFailureAt: fc.constant(noon - 2 * hour),
	},
	{requiredKeys: []},
);
const anything = fc.array(fc.tuple(credentials, usages), {minLength: 1, maxLength: 5}).map(list =>
	watchedOf({
		main: {
			profiles: Object.fromEntries(list.map(([one], index) => [`${one.provider}:${index}`, one])),
			usage: Object.fromEntries(list.map(([one, usage], index) => [`${one.provider}:${index}`, usage])),
		},
	}),
);

test('between two moments nothing is news, and who looks at the moments alone misses nothing', () => {
	fc.assert(
		fc.property(anything, fc.double({min: 0, max: 0.999, noNaN: true}), (watched, fraction) => {
			let {told} = newsOf(new Map(), watched, noon);
			let now = noon;
			for (;;) {
				const next = nextMoment(watched, now);
				const last = Math.min(next, now + 50 * day);
				const between = Math.floor(now + (last - now - 1) * fraction);
				expect(newsOf(told, watched, between).events).toEqual([]);
				expect(newsOf(told, watched, last - 1).events).toEqual([]);
				if (next === Number.POSITIVE_INFINITY) return;
				({told} = newsOf(told, watched, next));
				now = next;
			}
		}),
		{numRuns: 300},
	);
});

test('a token that knows its lifetime is told when it counts as over', () => {
	const expires = noon + hour;
	const once: Credential = {
		type: 'oauth',
		provider: 'acme',
		access: 'not-a-secret',
		expires,
		expiresIn: 3600,
	};
	const watched = watchedOf(acme(once));
	expect(nextMoment(watched, noon)).toBe(expires - 30 * second);
	expect(story([watched, noon], [watched, expires - 30 * second])[1]).toEqual(['expired main acme:a']);
});
