-- The chart is data that only a migration changes.
CREATE TABLE lifecycle_hop (
    machine text NOT NULL,
    source text NOT NULL,
    target text NOT NULL,
    PRIMARY KEY (machine, source, target)
);
COMMENT ON TABLE lifecycle_hop IS 'service.domain.lifecycle.hops(): every change of state that is possible at all';
