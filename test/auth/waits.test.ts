import {describe, expect, it} from 'vitest';
import {factsOf} from '../../source/auth/facts.ts';
import {attentionRank, healthOf} from '../../source/auth/health.ts';
import {whatChanges} from '../../source/auth/routing/change.ts';
import {effectiveOrder} from '../../source/auth/routing/order.ts';
import {readWaits, waitsIn} from '../../source/auth/waits.ts';
import {runOrderGet} from '../../source/commands/order.ts';
import {runStatus} from '../../source/commands/status.ts';
import {runWhich} from '../../source/commands/which.ts';
import type {JournalEntry} from '../../source/store/read-journal.ts';
import type {Credential} from '../../source/store/schema.ts';
import {clockTime, stateWord} from '../../source/words.ts';
import {
	canary,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	writeStore,
} from '../support/sandbox.ts';
import {put} from '../support/state-folder.ts';

const now = 1_800_000_000_000;
const wait = {finishedAt: now - 1000, retryAt: now + 18_000};

describe('the waits in a journal', () => {
	const entry = (spent: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
		...{spent, startedAt: 1, finishedAt: 2, outcome: 'unknown'},
		...more,
	});
	it.each<[string, JournalEntry[], string[]]>([
		['are those of replies that asked for one', [entry('a', {retryAt: 9}), entry('b')], ['a']],
		['are over with a later reply', [entry('a', {retryAt: 9}), entry('a')], []],
		['are over while it is asked again', [entry('a', {retryAt: 9}), {spent: 'a', startedAt: 3}], []],
		['are none where the token was refused for good', [entry('a', {retryAt: 9, outcome: 'refused'})], []],
		['are of the last reply', [entry('a'), entry('a', {retryAt: 9})], ['a']],
	])('%s', (_what, entries, spent) => {
		expect([...waitsIn(entries).keys()]).toEqual(spent);
	});
});

const oauth = {type: 'oauth', provider: 'acme', access: canary('access'), refresh: canary('refresh')};
const facts = (members: object, more: object = {}) => ({
	...factsOf('main', 'acme:maya', {...oauth, ...members} as Credential),
	...more,
});
const over = {expires: now - 1};

describe('a token that is over, whose server asked to wait', () => {
	it.each([
		['waits', facts(over, {wait}), now + 18_000],
		['waits no longer when the time has come', facts(over, {wait: {...wait, retryAt: now}}), undefined],
		['is believed for no more than an hour', facts(over, {wait: {...wait, retryAt: now * 2}}), undefined],
		['does not while it is still good', facts({expires: now + 1}, {wait}), undefined],
		['does not without a refresh token', facts({...over, refresh: undefined}, {wait}), undefined],
	])('%s', (_what, profile, waitsUntil) => {
		expect(healthOf(profile, now).waitsUntil).toBe(waitsUntil);
	});

	it('says so in the state, and stands among those to look at', () => {
		const health = healthOf(facts(over, {wait}), now);
		expect(stateWord(health, now)).toEqual({glyph: '~', word: 'waits 18s', tone: 'attention'});
		expect(health).toMatchObject({status: 'ok', reason: 'ok'});
		expect(attentionRank(health)).toBeLessThan(attentionRank(healthOf(facts(over), now)));
		// What keeps it away for longer is told first.
		const cooling = facts(over, {wait, usage: {cooldownUntil: now + 60_000}});
		expect(stateWord(healthOf(cooling, now), now).word).toBe('cooling 1m 0s');
	});

	it('keeps its place in the order, which says why', () => {
		const about = {agentId: 'main', provider: 'acme', now};
		const order = effectiveOrder({...about, profiles: [facts(over, {wait})]});
		const [place] = order.places;
		expect(place).toMatchObject({
			...{place: 1, reason: 'ok', waitsUntil: now + 18_000},
			why: 'OAuth, never used; its token is over, and its server asked to wait',
		});
		expect(place && whatChanges('main', {provider: 'acme', order}, place)).toMatch(/^time: /);
		// Good for now, and not for as long as is asked.
		const good = facts({expires: now + 1000}, {wait});
		expect(effectiveOrder({...about, profiles: [good]}).places[0]).not.toHaveProperty('waitsUntil');
		expect(effectiveOrder({...about, profiles: [good], minTtlMs: 2000}).places[0]).toHaveProperty(
			'waitsUntil',
		);
	});
});

it('all commands say what `token` meets, until the time has come', async () => {
	const sandbox = await openSandbox();
	const maya = 'acme:maya';
	writeStore(sandbox, 'main', {profiles: {[maya]: await expiredEntry(sandbox.server)}});
	sandbox.server.setTokenFailure({status: 429, body: '{}', headers: {'Retry-After': '20'}});
	const at = Date.now();
	expect(await refusal(sandbox.open({now: () => at}).resolve({providerId}))).toMatchObject({
		code: 'refresh_unavailable',
	});
	const [known] = readWaits(sandbox.paths).values();
	const until = known?.retryAt ?? 0;

	async function say(run: typeof runWhich, when: number, flags: Record<string, string | true> = {}) {
		const printed: string[] = [];
		const code = await run({
			jarvis: sandbox.open({now: () => when}),
			...{flags, arguments: ['acme'], stdin: process.stdin, tell: () => {}},
			print: text => printed.push(text),
		});
		return {code, text: printed.join('\n')};
	}
	const waiting = `its server asked to wait until ${clockTime(until)} (in 19s)`;
	const soon = until - 19_500;
	const which = await say(runWhich, soon);
	expect(which.code).toBe(1);
	expect(which.text).toContain(`would use ${maya}: OAuth, never used; its token is over, and ${waiting}\n`);
	// Once for what is chosen, and once for the candidate.
	expect(which.text.split(waiting)).toHaveLength(3);
	expect((await say(runOrderGet, soon, {provider: 'acme'})).text).toContain(waiting);
	expect((await say(runStatus, soon)).text).toContain('~ waits 19s');
	expect(JSON.parse((await say(runStatus, soon, {json: true})).text)).toMatchObject({
		auth: {oauth: {profiles: [{profileId: maya, status: 'ok', waitsUntil: until}]}},
	});
	expect((await say(runWhich, until)).text).not.toContain('asked to wait');
	expect((await say(runStatus, until)).text).toContain('↻ renews on use');

	// With another one there, that is what `token` hands out, and what `which` says.
	const key = {type: 'api_key', provider: 'acme', key: canary('key')};
	writeStore(sandbox, 'main', {profiles: {...readStore(sandbox).profiles, 'acme:key': key}});
	const jarvis = sandbox.open({now: () => soon});
	const {chosen} = await jarvis.which({providerId});
	expect(chosen).toMatchObject({profileId: 'acme:key', turn: 2});
	expect(await jarvis.resolve({providerId})).toMatchObject({profileId: 'acme:key'});
	expect((await say(runWhich, soon)).code).toBe(0);

	// A journal that cannot be read adds nothing, and is in nobody's way.
	put(`${sandbox.paths.journal}/odd.json`, 'no JSON');
	expect((await say(runStatus, soon)).text).toContain('~ waits 19s');
});
