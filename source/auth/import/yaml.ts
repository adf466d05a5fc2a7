import {parse} from 'yaml';
import {isObject, type JsonObject} from '../../store/json.ts';

/**
 * The object in a YAML text, as JSON can say it, or `undefined`. Of a module of its own: it is loaded only
 * where a program keeps its login in that form.
 */
export function tryParseYaml(text: string): JsonObject | undefined {
	try {
		const value: unknown = parse(text, {logLevel: 'error'});
		if (value === null) return {};
		return isObject(value) ? (JSON.parse(JSON.stringify(value)) as JsonObject) : undefined;
	} catch {
		// Its words quote the text around the fault.
		return undefined;
	}
}
