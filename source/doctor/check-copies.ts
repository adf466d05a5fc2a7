import {staleIn} from '../auth/secrets/stale-copies.ts';
import {readTextIfThere, tryParseJson} from '../store/json.ts';
import {readAllJournals} from '../store/read-journal.ts';
import {copiesOf, scrubCredentials} from '../store/scrub.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, type Subject} from './subject.ts';

/** Copies of the agents' files with the refresh token of a profile that was handed over to another program. */
export function checkCopies({paths, agents}: Subject): Finding[] {
	const journal = readAllJournals(paths);
	return [...agents].flatMap(([agentId, agent]) =>
		Object.values(copiesOf(paths.profiles(agentId)))
			.flat()
			.flatMap(path =>
				staleIn(tryParseJson(textOf(path)) ?? {}, agent, journal).flatMap(({profileId, handedOver}) => {
					if (handedOver === undefined) return [];
					const scrubbed = new Map([[handedOver, undefined]]);
					return [
						finding('refresh_in_copy', {
							where: `${nameOf({agentId, profileId})}, ${path}`,
							what: 'The copy holds a refresh token that the profile has no more: put back, two programs would refresh one login.',
							next: 'jarvis doctor --fix',
							mend: {
								what: 'take the token out of all copies of the file',
								asks: true,
								run: () => scrubCredentials(paths, agentId, () => scrubbed),
							},
						}),
					];
				}),
			),
	);
}

function textOf(path: string): string {
	try {
		return readTextIfThere(path) ?? '';
	} catch {
		// Its mode, its owner or what it is are findings of their own.
		return '';
	}
}
