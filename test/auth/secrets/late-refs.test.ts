import {expect, test} from 'vitest';
import type {ProfileFacts} from '../../../source/auth/facts.ts';
import {lateRefsNoticed} from '../../../source/auth/secrets/late-refs.ts';
import type {AgentSnapshot, Snapshot} from '../../../source/auth/snapshot.ts';
import {configOwner} from '../../../source/store/config.ts';

function look(
	{own = [], read = []}: {own?: string[]; read?: string[]},
	of = 'main',
): Pick<Snapshot, 'agents'> {
	const facts = (agentId: string) => (id: string) =>
		({
			...{agentId, profileId: 'acme:a', ref: {source: 'env', provider: 'default', id}},
			unresolved: {code: id === 'FAILED' ? 'not_found' : 'not_loaded', message: ''},
		}) as unknown as ProfileFacts;
	const agent = {profiles: own.map(facts('main')), inherited: read.map(facts(of))};
	return {agents: [agent as unknown as AgentSnapshot]};
}

test('refs that came late are noticed once, and again where others come', () => {
	const hasLate = lateRefsNoticed();
	expect(hasLate(look({}))).toBe(false);
	expect(hasLate(look({own: ['A']}))).toBe(true);
	expect(hasLate(look({own: ['A']}))).toBe(false);
	expect(hasLate(look({own: ['A', 'B']}))).toBe(true);
	expect(hasLate(look({}))).toBe(false);
	expect(hasLate(look({own: ['A']}))).toBe(true);
});

test('refs that do not resolve are not late, and those that another agent has are noticed with it', () => {
	expect(lateRefsNoticed()(look({own: ['FAILED']}))).toBe(false);
	expect(lateRefsNoticed()(look({read: ['A']}))).toBe(false);
	expect(lateRefsNoticed()(look({read: ['A']}, configOwner))).toBe(true);
});
