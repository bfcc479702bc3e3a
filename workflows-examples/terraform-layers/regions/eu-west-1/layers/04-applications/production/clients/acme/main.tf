terraform {
  required_version = "~> 1.13"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  backend "s3" {
    bucket       = "acme-terraform-production"
    key          = "regions/eu-west-1/layers/04-applications/production/clients/acme.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-west-1"
}

module "applications" {
  source      = "../../../../../../../modules/applications"
  environment = "production"
  client      = "acme"
}
