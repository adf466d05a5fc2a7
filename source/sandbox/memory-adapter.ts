import type {Adapter, StoredPayload} from 'oidc-provider';

/**
 * Keeps one kind of record (grants, codes, refresh tokens, open logins) of one authorization server in memory.
 *
 * Nothing expires here, because every record carries its own expiry, which oidc-provider checks when it reads
 * it; and used refresh tokens must stay, or their reuse could not be told from a token that never existed
 * (RFC 9700, section 4.14.2). Its own memory adapter forgets the oldest records after the first thousand.
 *
 * @param reuseGraceMs for how long a record that was used up is given out as if it was not
 */
export function createMemoryAdapter(reuseGraceMs = 0): Adapter {
	const records = new Map<string, StoredPayload>();
	const usedUpAt = new Map<string, number>();
	return {
		async upsert(id, payload) {
			records.set(id, payload);
		},
		async find(id) {
			const payload = records.get(id);
			const firstUse = usedUpAt.get(id);
			if (!payload || firstUse === undefined || Date.now() < firstUse + reuseGraceMs) return payload;
			return {...payload, consumed: Math.floor(firstUse / 1000)};
		},
		async findByUid(uid) {
			return [...records.values()].find(payload => payload.uid === uid);
		},
		async findByUserCode(userCode) {
			return [...records.values()].find(payload => payload.userCode === userCode);
		},
		async consume(id) {
			if (!usedUpAt.has(id)) usedUpAt.set(id, Date.now());
		},
		async destroy(id) {
			records.delete(id);
		},
		async revokeByGrantId(grantId) {
			for (const [id, payload] of records) {
				if (payload.grantId === grantId) records.delete(id);
			}
		},
	};
}
