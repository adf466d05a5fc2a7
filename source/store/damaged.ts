import {
	findNodeAtLocation,
	type Node,
	type ParseError,
	parse,
	parseTree,
	printParseErrorCode,
} from 'jsonc-parser';
import {JarvisError, shellWord} from '../errors.ts';
import {readTextIfThere, tryParseJson} from './json.ts';
import {isProfileId, providerOfProfileId} from './paths.ts';
import {backupPaths, followLink} from './write.ts';

/** Who mends a damaged file: doctor, which knows the files of the state folder alone, or a person. */
export type MendedBy = 'doctor' | 'hand';

/**
 * The error of a credential file that is not valid JSON: where the fault is, and which backup can be read.
 * The place is found by a parser that counts, because V8's own message quotes the text around it.
 */
export function damaged(file: string, text: string, mendedBy: MendedBy): JarvisError {
	const faults: ParseError[] = [];
	try {
		parse(text, faults, {disallowComments: true, allowTrailingComma: false, allowEmptyContent: false});
	} catch {
		// It nests deeper than the parser can follow.
	}
	const fault = faults[0];
	const before = text.slice(0, fault?.offset ?? 0).split('\n');
	const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
	const what =
		text.trim() === '' ? 'the file is empty' : fault ? printParseErrorCode(fault.error) : 'no object';
	const good = backupPaths(followLink(file)).find(backup => {
		const content = readOrUndefined(backup);
		return content !== undefined && tryParseJson(content) !== undefined;
	});
	return new JarvisError(
		'store_damaged',
		`${file} is not valid JSON (${place}: ${what}). It is left as it is.`,
		!good
			? 'Mend it by hand; there is no readable backup beside it.'
			: mendedBy === 'hand'
				? `Its last good version can be put back with: cp ${shellWord(good)} ${shellWord(file)}`
				: // A copy over it would leave nothing of a token that is in this version alone.
					`Its last good version is ${good}. Put it back, and keep this one beside it: jarvis doctor --fix`,
	);
}

/**
 * The ids of the profiles that a damaged credential file still shows. Only what stands as a whole entry counts: in a text
 * with a quote too few, anything might look like a name, a secret included.
 */
export function profileIdsIn(text: string): string[] {
	let root: Node | undefined;
	try {
		root = parseTree(text);
	} catch {
		// It nests deeper than the parser can follow.
	}
	const profiles = root && findNodeAtLocation(root, ['profiles']);
	return (profiles?.children ?? []).flatMap(({children: [key, entry] = []}) => {
		const id: unknown = key?.value;
		const provider: unknown = entry && findNodeAtLocation(entry, ['provider'])?.value;
		const isEntry = typeof id === 'string' && typeof provider === 'string' && isProfileId(id);
		return isEntry && providerOfProfileId(id) === provider ? [id] : [];
	});
}

function readOrUndefined(file: string): string | undefined {
	try {
		return readTextIfThere(file);
	} catch {
		return undefined;
	}
}
