# One image for serve, worker and migrate. Two stages: what installs the packages stays in the first; the code runs from its folder.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/base.txt requirements/base.txt
RUN python -m venv /opt/holdfast && /opt/holdfast/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin holdfast
COPY --from=build /opt/holdfast /opt/holdfast
WORKDIR /srv/holdfast
COPY service service
COPY migrations migrations
ENV PATH=/opt/holdfast/bin:$PATH PYTHONPATH=/srv/holdfast PYTHONUNBUFFERED=1 HOLDFAST_WEB_HOST=0.0.0.0
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --retries=6 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "service.cli"]
CMD ["serve"]
