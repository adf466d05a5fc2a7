import {join} from 'node:path';
import {expect, test} from 'vitest';
import {fingerprint} from '../../source/auth/identity.ts';
import {providersFrom} from '../../source/auth/providers/registry.ts';
import {openSecrets} from '../../source/auth/secrets/secrets.ts';
import {thisMachine} from '../../source/doctor/doctor.ts';
import {checkSpentTokens} from '../../source/doctor/spent-tokens.ts';
import {readSubject} from '../../source/doctor/subject.ts';
import {decodeConfig} from '../../source/store/config.ts';
import {writeJournal} from '../../source/store/journal.ts';
import {statePaths} from '../../source/store/paths.ts';
import {fill, noon, oauth} from '../screens/state.ts';
import {countReadings} from '../support/readings.ts';
import {temporaryFolder} from '../support/sandbox.ts';

test('the journals are read once, however many tokens were spent', async () => {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	const names = ['a', 'b', 'c'];
	const entry = (name: string) => ({...oauth('openai-codex'), refresh: `canary-${name}`, accountId: name});
	await fill(stateDir, 'main', {
		profiles: Object.fromEntries(names.map(name => [`openai-codex:${name}`, entry(name)])),
	});
	for (const name of names) {
		writeJournal(paths, name, {
			...{spent: fingerprint(`canary-${name}`), startedAt: noon, finishedAt: noon + 1},
			...{outcome: 'refreshed', issued: fingerprint(`canary-newer-${name}`)},
		});
	}
	const env = {};
	const now = () => noon;
	const subject = await readSubject({
		...{paths, env, now, network: {fetch}, secrets: openSecrets({paths, env, now}), online: false},
		...{machine: thisMachine(), providers: providersFrom(decodeConfig({}), [])},
	});
	const readings = countReadings(join(paths.journal, 'a.json'));
	expect(checkSpentTokens(subject).map(({id, where}) => `${id} ${where}`)).toEqual(
		names.map(name => `refresh_spent openai-codex:${name} of the agent main`),
	);
	expect(readings()).toBe(1);
});
