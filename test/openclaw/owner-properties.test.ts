import fc from 'fast-check';
import {expect, test} from 'vitest';
import {mergeAgent} from '../../source/auth/openclaw/merge.ts';
import {settleOwners} from '../../source/auth/openclaw/one-owner.ts';
import {type JsonObject, type JsonValue, member, textMember} from '../../source/store/json.ts';
import type {OpenclawAgent} from '../../source/store/openclaw/folder.ts';
import {decodeAgentCredentials, entriesOf} from '../../source/store/schema.ts';

/** Any agents with any logins of few accounts and few tokens, so that most of them have to do with each other. */
type State = Record<string, Record<string, JsonObject>>;

const agentIds = ['main', 'work', 'home'];
const account = fc.constantFrom('maya', 'noor', undefined);
const entry = fc
	.record({
		account,
		token: fc.integer({min: 1, max: 4}),
		expires: fc.integer({min: 1, max: 3}),
		refreshes: fc.boolean(),
	})
	.map(
		({account: of, token, expires, refreshes}): JsonObject => ({
			...{type: 'oauth', provider: 'acme', access: `access-${token}-${expires}`, expires},
			...(refreshes ? {refresh: `refresh-${token}`} : {}),
			...(of === undefined ? {} : {accountId: of}),
		}),
	);
const profiles = fc.dictionary(fc.constantFrom('acme:a', 'acme:b'), entry);
const state: fc.Arbitrary<State> = fc.record({main: profiles, work: profiles, home: profiles});

/** What an import makes of a state, as documents by agent. */
function imported(theirs: State, here: Record<string, JsonObject>): Record<string, JsonObject> {
	const agents = agentIds.map(
		(id): OpenclawAgent => ({id, credentials: {version: 1, profiles: theirs[id] ?? {}}, sessions: {}}),
	);
	const {taken} = settleOwners(agents);
	const documents = structuredClone(here);
	for (const {id, credentials} of agents) {
		const document = documents[id] ?? {};
		const holders = Object.entries(documents).flatMap(([agentId, {profiles: all}]) =>
			[...decodeAgentCredentials({profiles: all ?? {}}).profiles].flatMap(([profileId, credential]) =>
				credential.type === 'oauth' ? [{agentId, profileId, credential, usage: {}}] : [],
			),
		);
		const incoming = taken.filter(({agentId}) => agentId === id);
		mergeAgent(document, decodeAgentCredentials(document), id, incoming, credentials, {holders, journal: []});
		documents[id] = document;
	}
	return documents;
}

function refreshTokens(documents: Record<string, JsonObject>): string[] {
	return Object.values(documents).flatMap(document => tokensIn(document.profiles));
}

function tokensIn(all: JsonValue | undefined): string[] {
	return entriesOf(all).flatMap(([, profile]) => textMember(profile, 'refresh') ?? []);
}

const empty = () => Object.fromEntries(agentIds.map(id => [id, {version: 1, profiles: {}}]));

test('whatever openclaw copied where, each refresh token has one record, and a second import changes nothing', () => {
	fc.assert(
		fc.property(state, theirs => {
			const documents = imported(theirs, empty());
			// Two ids of one agent may have one token in openclaw already.
			for (const id of agentIds) {
				const own = tokensIn(theirs[id]);
				fc.pre(new Set(own).size === own.length);
			}
			const tokens = refreshTokens(documents);
			expect(new Set(tokens).size).toBe(tokens.length);
			expect(imported(theirs, documents)).toEqual(documents);
		}),
		{numRuns: 500},
	);
});

test('whatever is here stays, but for an older token of the same account', () => {
	fc.assert(
		fc.property(state, state, (theirs, ours) => {
			const here: Record<string, JsonObject> = Object.fromEntries(
				agentIds.map(id => [id, {version: 1, profiles: ours[id] ?? {}}]),
			);
			const after = imported(theirs, here);
			for (const id of agentIds) {
				for (const [profileId, before] of entriesOf(here[id]?.profiles)) {
					const present = member(after[id]?.profiles, profileId);
					if (JSON.stringify(present) === JSON.stringify(before)) continue;
					const [was, is] = [member(before, 'accountId'), member(present, 'accountId')];
					expect(is ?? was).toBe(was ?? is);
					expect(member(present, 'expires')).toBeGreaterThanOrEqual(Number(member(before, 'expires')));
					if (member(before, 'refresh')) expect(member(present, 'refresh')).toBeDefined();
				}
			}
		}),
		{numRuns: 500},
	);
});
